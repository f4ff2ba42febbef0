package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// The algorithms of key sets.
const (
	algRS256 = "RS256"
	algES256 = "ES256"
	algEdDSA = "EdDSA"
)

const (
	maxKeys    = 100
	minRSABits = 2048 // go-jose takes none of more than 4096, which would cost much to verify with
)

// keySet is the keys of use of a set, each for one algorithm.
type keySet struct {
	keys map[keyName]any
	// names and left are for the log: what there is, and why the rest is not of use.
	names, left []string
}

type keyName struct{ kid, alg string }

// find returns the key of a name, or nil. Without a kid it is the only one, if there is one only.
func (s *keySet) find(alg, kid string) any {
	if kid != "" {
		return s.keys[keyName{kid, alg}]
	}
	if len(s.keys) == 1 {
		for name, key := range s.keys {
			if name.alg == alg {
				return key
			}
		}
	}
	return nil
}

// has reports whether there is a key of that kid, of whatever algorithm.
func (s *keySet) has(kid string) bool {
	for _, alg := range []string{algRS256, algES256, algEdDSA} {
		if s.keys[keyName{kid, alg}] != nil {
			return true
		}
	}
	return false
}

// parseKeySet reads a set. Keys that are for something else, too weak or not understood are left out,
// as RFC 7517 section 5 asks; it fails for what is no set.
func parseKeySet(data []byte) (*keySet, error) {
	var document struct {
		Keys *[]json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(data, &document); err != nil {
		return nil, errors.New("the answer is not a JSON object with keys")
	}
	if document.Keys == nil {
		return nil, errors.New("the answer has no keys")
	}
	if len(*document.Keys) > maxKeys {
		return nil, fmt.Errorf("the answer has more than %d keys", maxKeys)
	}
	set := &keySet{keys: map[keyName]any{}}
	for i, raw := range *document.Keys {
		name, key, err := parseKey(raw)
		if err == nil && set.keys[name] != nil {
			err = errors.New("another one has that kid")
		}
		if err != nil {
			set.left = append(set.left, fmt.Sprintf("key %d (%.64q): %v", i, name.kid, err))
			continue
		}
		set.keys[name] = key
		set.names = append(set.names, fmt.Sprintf("%.64s (%s)", name.kid, name.alg))
	}
	return set, nil
}

// jwk is what is looked at before a key is taken for one.
type jwk struct {
	KID string   `json:"kid"`
	Alg string   `json:"alg"`
	Use string   `json:"use"`
	Ops []string `json:"key_ops"`

	// Members of private and symmetric keys.
	D json.RawMessage `json:"d"`
	P json.RawMessage `json:"p"`
	Q json.RawMessage `json:"q"`
	K json.RawMessage `json:"k"`
}

// parseKey reads a public key and says what it is for: its type decides the algorithm, with which
// its own alg and use have to agree.
func parseKey(raw json.RawMessage) (keyName, any, error) {
	var what jwk
	if err := json.Unmarshal(raw, &what); err != nil {
		return keyName{}, nil, errors.New("not a key")
	}
	name := keyName{kid: what.KID}
	switch {
	case what.D != nil || what.P != nil || what.Q != nil || what.K != nil:
		return name, nil, errors.New("it is private, and published")
	case what.Use != "" && what.Use != "sig", what.Ops != nil && !slices.Contains(what.Ops, "verify"):
		return name, nil, errors.New("not for signatures")
	case len(what.KID) > maxKID:
		return name, nil, errors.New("its kid is too long")
	}
	var parsed jose.JSONWebKey
	if err := parsed.UnmarshalJSON(raw); err != nil {
		return name, nil, err
	}
	alg, err := algOf(parsed.Key)
	if err != nil {
		return name, nil, err
	}
	// RFC 9864 calls EdDSA with this curve Ed25519.
	if what.Alg != "" && what.Alg != alg && (what.Alg != "Ed25519" || alg != algEdDSA) {
		return name, nil, fmt.Errorf("it is for %.32q", what.Alg)
	}
	name.alg = alg
	return name, parsed.Key, nil
}

// algOf is the one algorithm that a key is good for here.
func algOf(key any) (string, error) {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < minRSABits {
			return "", fmt.Errorf("RSA with %d bits", bits)
		}
		if k.E < 3 || k.E%2 == 0 || k.E > 1<<31-1 {
			return "", errors.New("RSA with a bad exponent")
		}
		return algRS256, nil
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return "", errors.New("a curve other than P-256")
		}
		return algES256, nil
	case ed25519.PublicKey:
		return algEdDSA, nil
	default:
		return "", errors.New("of another type")
	}
}
