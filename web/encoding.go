package web

import (
	"strconv"
	"strings"
)

// encoding is a way in which a file may lie beside itself.
type encoding struct{ name, suffix string }

// encodings are those that there are, the best first.
func encodings() []encoding { return []encoding{{"br", ".br"}, {"gzip", ".gz"}} }

// choose is the encoding that the client likes most (RFC 9110 section 12.5.3), and of those it likes the same the smallest.
// The file as it is, which is "", serves who takes nothing else.
func choose(accept []string, there map[string]body) string {
	likes := weights(strings.Join(accept, ","))
	chosen, most := "", 0.0
	for _, e := range encodings() {
		if _, is := there[e.name]; is && likes(e.name) > most {
			chosen, most = e.name, likes(e.name)
		}
	}
	if likes("identity") > most {
		return ""
	}
	return chosen
}

// weights tells how much a client likes an encoding: 0 is not at all, or no word about it.
func weights(accept string) func(name string) float64 {
	said := map[string]float64{}
	for entry := range strings.SplitSeq(accept, ",") {
		name, parameters, _ := strings.Cut(entry, ";")
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
			said[name] = quality(parameters)
		}
	}
	return func(name string) float64 {
		if q, is := said[name]; is {
			return q
		}
		return said["*"]
	}
}

// quality reads q=0.5; 1 without it, 0 where it cannot be read.
func quality(parameters string) float64 {
	name, value, found := strings.Cut(parameters, "=")
	if !found || !strings.EqualFold(strings.TrimSpace(name), "q") {
		return 1
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || !(q >= 0 && q <= 1) {
		return 0
	}
	return q
}
