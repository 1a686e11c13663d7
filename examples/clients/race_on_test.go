//go:build race

package clients_test

const raceBuild = true
