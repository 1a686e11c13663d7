//go:build race

package schemas

func init() { raced = true }
