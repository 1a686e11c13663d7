package ewo

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/amtsbote/amtsbote/adapters/internal/eai"
)

// Read reads the answer to person/{om} or personErweitert/{om}. An unknown
// person gives nil, nil: the gateway answers with nothing, {} or null. What is
// not JSON or no person is an *eai.Error.
func Read(answer []byte) (*Person, error) {
	tree, err := decode(answer)
	if err != nil || tree == nil {
		return nil, err
	}
	for _, wrap := range []string{"personErweitert", "person"} {
		if inner, there := tree[wrap]; there {
			tree, _ = inner.(map[string]any)
			break
		}
	}
	if text(tree, "ordnungsmerkmal") == "" {
		return nil, eai.BadAnswer("the answer is no person: it has no ordnungsmerkmal")
	}
	return &Person{tree: tree}, nil
}

// ReadHits reads the answer to a search; no hits give an empty list.
func ReadHits(answer []byte) ([]*Person, error) {
	tree, err := decode(answer)
	if err != nil || tree == nil {
		return nil, err
	}
	for _, wrap := range []string{"antwortErweitert", "antwort"} {
		if inner := object(tree, wrap); inner != nil {
			tree = inner
		}
	}
	for _, name := range []string{"personen", "personErweitert", "person"} {
		switch v := tree[name].(type) {
		case []any:
			return persons(v)
		case map[string]any:
			return persons([]any{v})
		}
	}
	return nil, eai.BadAnswer("the answer is no list of persons")
}

func persons(hits []any) ([]*Person, error) {
	all := make([]*Person, 0, len(hits))
	for _, hit := range hits {
		tree := object(hit)
		if text(tree, "ordnungsmerkmal") == "" {
			return nil, eai.BadAnswer("a hit has no ordnungsmerkmal")
		}
		all = append(all, &Person{tree: tree})
	}
	return all, nil
}

// decode gives the answer's tree in the one form, nil when nothing is in it.
// Names given twice, invalid UTF-8 and trailing data are refused.
func decode(answer []byte) (map[string]any, error) {
	answer = bytes.TrimSpace(bytes.TrimPrefix(answer, []byte("\xef\xbb\xbf")))
	if len(answer) == 0 {
		return nil, nil
	}
	var v any
	if deep(answer) || json.Unmarshal(answer, &v) != nil {
		return nil, eai.BadAnswer("the answer is no JSON")
	}
	if v == nil {
		return nil, nil
	}
	if _, ok := v.(map[string]any); !ok {
		return nil, eai.BadAnswer("the answer is no JSON object")
	}
	return object(normal(v)), nil
}

// maxDepth is how deeply an answer may be nested; real ones have seven levels.
const maxDepth = 64

// deep is a cheap look before decoding.
func deep(answer []byte) bool {
	depth, inText := 0, false
	for i := 0; i < len(answer); i++ {
		switch c := answer[i]; {
		case c == '\\' && inText:
			i++
		case c == '"':
			inText = !inText
		case inText:
		case strings.IndexByte("[{", c) >= 0:
			if depth++; depth > maxDepth {
				return true
			}
		case strings.IndexByte("]}", c) >= 0:
			depth--
		}
	}
	return false
}
