package app

import (
	"context"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/mail"
	"github.com/amtsbote/amtsbote/hub/internal/metrics"
	"github.com/amtsbote/amtsbote/hub/internal/webhook"
)

// openPost has mail sent from now on, first what waited when the hub ended. Without a
// mail server it says so where there is somebody to tell.
func (a *App) openPost(ctx context.Context) error {
	if a.mails == nil {
		if n := a.webhookCount(); n > 0 {
			a.log.Warn("no mail server (--mail-server): contacts of webhooks are told by the log only", zap.Int("webhooks", n))
		}
		return nil
	}
	count := func(string) {}
	if a.door != nil {
		count = func(result string) { a.door.mails.Add(result) }
	}
	post := &mail.Post{Server: a.mails, Store: a.store, Count: count, Log: a.log}
	if err := post.Load(ctx); err != nil {
		return err
	}
	a.post = post
	a.group.Go(func() error { return post.Run(a.run) })
	return nil
}

func (a *App) webhookCount() (n int) {
	for _, app := range a.Federation().Applications() {
		if app.Mailbox != nil && app.Mailbox.Webhook != nil {
			n++
		}
	}
	return n
}

// mail has an alarm told by mail.
func (a *App) mail(one *webhook.Alarm) {
	if a.post == nil || one.Mail == "" {
		return
	}
	a.post.Tell(mail.Notice{
		To: one.Mail, Application: one.Application, Host: one.Host, Hub: one.Origin,
		What: one.What, Code: one.Code, Since: one.Since, At: one.At,
	})
}

// mailGauge tells how many mails wait.
func (a *App) mailGauge() metrics.Gauge {
	g := metrics.Gauge{Name: "amtsbote_mails_waiting", Help: "Mails to contacts of webhooks that are to be sent, also those that wait for their hour."}
	if a.post != nil {
		g.Values = []metrics.Value{{Value: float64(a.post.Waiting())}}
	}
	return g
}
