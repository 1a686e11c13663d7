package wire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Kafka says how the brokers are reached.
type Kafka struct {
	Brokers   []string `yaml:"brokers"`
	ClientID  string   `yaml:"client-id"`
	Cluster   string   `yaml:"cluster"` // id, where the cluster tells none
	Plaintext bool     `yaml:"plaintext"`
	TLS       TLS      `yaml:"tls"`
	SASL      SASL     `yaml:"sasl"`
}

// TLS names PEM files: the authorities, "" for the system's, and the client's
// certificate with its key.
type TLS struct {
	CA   string `yaml:"ca"`
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// SASL is the login: plain, scram-sha-256, scram-sha-512, or "" for none.
type SASL struct {
	Mechanism    string `yaml:"mechanism"`
	User         string `yaml:"user"`
	PasswordFile string `yaml:"password-file"`
}

// Options are those of every client; the files are read now.
func (k Kafka) Options() ([]kgo.Opt, error) {
	opts := []kgo.Opt{kgo.SeedBrokers(k.Brokers...), kgo.ClientID(k.ClientID), kgo.DisableClientMetrics()}
	if !k.Plaintext {
		conf, err := k.TLS.Config()
		if err != nil {
			return nil, fmt.Errorf("kafka: %w", err)
		}
		opts = append(opts, kgo.DialTLSConfig(conf))
	}
	if k.SASL.Mechanism == "" {
		return opts, nil
	}
	password, err := Secret(k.SASL.PasswordFile)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	switch k.SASL.Mechanism {
	case "plain":
		return append(opts, kgo.SASL(plain.Auth{User: k.SASL.User, Pass: password}.AsMechanism())), nil
	case "scram-sha-256":
		return append(opts, kgo.SASL(scram.Auth{User: k.SASL.User, Pass: password}.AsSha256Mechanism())), nil
	case "scram-sha-512":
		return append(opts, kgo.SASL(scram.Auth{User: k.SASL.User, Pass: password}.AsSha512Mechanism())), nil
	}
	return nil, fmt.Errorf("kafka: there is no SASL mechanism %q", k.SASL.Mechanism)
}

// Config makes a client's TLS of the files.
func (t TLS) Config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("read certificate authorities: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("read certificate authorities: no certificate in the file")
		}
	}
	if t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("read client certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// Secret reads a file with a password, without the line's end.
func Secret(path string) (string, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // named by the settings
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	secret := strings.TrimRight(string(raw), "\r\n")
	if secret == "" {
		return "", errors.New("read secret: the file is empty")
	}
	return secret, nil
}

// ClusterID is part of events' ids: two clusters count offsets from 0.
func (k Kafka) ClusterID(ctx context.Context) (string, error) {
	res, err := k.Ask(ctx)
	switch {
	case err != nil:
		return "", err
	case k.Cluster != "":
		return k.Cluster, nil
	case res.ClusterID == nil || *res.ClusterID == "":
		return "", errors.New("kafka: the cluster has no id; name it in the setting kafka.cluster")
	}
	return *res.ClusterID, nil
}

// Ask asks the cluster about itself, by a connection of its own. It fails soon when a
// setting is wrong, or nobody is there; other clients try again without end.
func (k Kafka) Ask(ctx context.Context) (*kmsg.MetadataResponse, error) {
	opts, err := k.Options()
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(append(opts, kgo.RequestRetries(1))...)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	defer client.Close()
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // none
	res, err := req.RequestWith(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("kafka: ask the cluster: %w", err)
	}
	return res, nil
}
