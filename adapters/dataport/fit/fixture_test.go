package fit_test

import (
	"crypto/rand"
	"crypto/rsa"
	"sync"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
)

// smallKeys are shorter than FIT-Connect's, to have them quickly.
var smallKeys = sync.OnceValue(func() [2]fit.PrivateKey {
	var keys [2]fit.PrivateKey
	for i := range keys {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		keys[i] = fit.PrivateKey{ID: fit.Thumbprint(&k.PublicKey), Key: k}
	}
	return keys
})

func keys(t testing.TB) (first, second fit.PrivateKey) {
	t.Helper()
	k := smallKeys()
	return k[0], k[1]
}
