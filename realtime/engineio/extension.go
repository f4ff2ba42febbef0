package engineio

import (
	"net/http"
	"strconv"
	"strings"
)

// extension is what was agreed on with a peer about compression. The zero value is nothing.
type extension struct {
	window uint8  // bits that the peer looks back in what it gets; 0 if nothing is compressed
	answer string // the response's header
}

// agree takes the first offer of permessage-deflate that can be met (RFC 7692, 5.1 and 7.1).
func agree(h http.Header) extension {
	for offer := range strings.SplitSeq(strings.Join(h.Values("Sec-WebSocket-Extensions"), ","), ",") {
		if e, ok := takeOffer(offer); ok {
			return e
		}
	}
	return extension{}
}

// takeOffer goes through an offer's parameters. One that is unknown, repeated or malformed declines it.
func takeOffer(offer string) (extension, bool) {
	name, params, more := strings.Cut(offer, ";")
	if strings.TrimSpace(name) != "permessage-deflate" {
		return extension{}, false
	}
	e := extension{window: maxWindow, answer: "permessage-deflate; server_no_context_takeover; client_no_context_takeover"}
	seen := make(map[string]bool, 4)
	for more {
		var param string
		param, params, more = strings.Cut(params, ";")
		name, value, valued := strings.Cut(param, "=")
		name, value = strings.TrimSpace(name), unquote(strings.TrimSpace(value))
		bits, err := strconv.ParseUint(value, 10, 8)
		sized := err == nil && bits >= 8 && bits <= maxWindow && value[0] != '0'
		switch {
		case seen[name]:
			return extension{}, false
		case name == "server_max_window_bits" && sized:
			// Longer messages will not be compressed for this peer: then nothing looks back further.
			e.window = uint8(bits)
			e.answer += "; server_max_window_bits=" + value
		case name == "client_max_window_bits" && (sized || !valued):
		case (name == "server_no_context_takeover" || name == "client_no_context_takeover") && !valued:
		default:
			return extension{}, false
		}
		seen[name] = true
	}
	return e, true
}

func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// header is for the upgrader, which refuses the canonical spelling of this name because it would
// rather negotiate itself, without looking at parameters.
func (e extension) header() http.Header {
	if e.window == 0 {
		return nil
	}
	return http.Header{"Sec-WebSocket-Extensions": {e.answer}}
}
