package federation

import (
	"runtime"
	"sync"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
)

// readAhead bounds how many files are read and not taken yet: a federation can
// have tens of thousands, and what is read takes more room than what is kept.
const readAhead = 256

// each reads the files of a folder, several at a time, and gives them to take one
// after the other in the order of their names.
func each[T any](b *builder, files *snapshot, folder string, read func(*finding.List, string, []byte) *T, take func(file string, in *T)) {
	type result struct {
		in    *T
		found finding.List
		ready chan struct{}
	}
	names := files.yaml(folder)
	results := make([]*result, len(names))
	for i := range results {
		results[i] = &result{ready: make(chan struct{})}
	}
	ahead := make(chan struct{}, readAhead)
	todo := make(chan int)
	var workers sync.WaitGroup
	for range min(runtime.NumCPU(), len(names)) {
		workers.Go(func() {
			for i := range todo {
				results[i].in = read(&results[i].found, names[i], files.files[names[i]])
				close(results[i].ready)
			}
		})
	}
	workers.Go(func() {
		for i := range names {
			ahead <- struct{}{}
			todo <- i
		}
		close(todo)
	})
	for i, name := range names {
		<-results[i].ready
		b.Found = append(b.Found, results[i].found.Found...)
		if results[i].in != nil {
			take(name, results[i].in)
		}
		results[i] = nil
		<-ahead
	}
	workers.Wait()
}
