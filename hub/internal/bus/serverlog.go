package bus

import "go.uber.org/zap"

// serverLog passes the NATS server's own lines to zap. They hold no payloads:
// tracing stays off.
type serverLog struct{ log *zap.Logger }

func (l *serverLog) Noticef(format string, v ...any) { l.log.Sugar().Debugf(format, v...) }
func (l *serverLog) Warnf(format string, v ...any)   { l.log.Sugar().Warnf(format, v...) }
func (l *serverLog) Fatalf(format string, v ...any)  { l.log.Sugar().Errorf(format, v...) }
func (l *serverLog) Errorf(format string, v ...any)  { l.log.Sugar().Errorf(format, v...) }
func (l *serverLog) Debugf(string, ...any)           {}
func (l *serverLog) Tracef(string, ...any)           {}
