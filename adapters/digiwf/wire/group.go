package wire

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ErrMayNotAsk says that the broker's rights do not let this user look at the group.
var ErrMayNotAsk = errors.New("the broker's rights do not let this user look at the group")

// Members names the consumers of a group, of which a dead one is there until its session
// ends.
func (k Kafka) Members(ctx context.Context, group string) ([]string, error) {
	opts, err := k.Options()
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(append(opts, kgo.RequestRetries(3))...)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	defer client.Close()
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{group}
	res, err := req.RequestWith(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("kafka: ask for the group: %w", err)
	}
	if len(res.Groups) != 1 {
		return nil, errors.New("kafka: ask for the group: the broker tells nothing of it")
	}
	err = kerr.ErrorForCode(res.Groups[0].ErrorCode)
	switch {
	case errors.Is(err, kerr.GroupAuthorizationFailed):
		return nil, ErrMayNotAsk
	case errors.Is(err, kerr.GroupIDNotFound): // nobody has been in it
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("kafka: ask for the group: %w", err)
	}
	members := make([]string, 0, len(res.Groups[0].Members))
	for _, m := range res.Groups[0].Members {
		members = append(members, m.MemberID)
	}
	return members, nil
}
