// Package bench measures the hub beside a plain consume-republish, by turns in
// one run: `task bench`. It holds tests only. The tests of the whole product
// run its short form, which checks the counts and asserts no time.
package bench
