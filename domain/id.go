package domain

// MaxIDLength bounds every id that comes from outside (user, room), in bytes.
const MaxIDLength = 128

// ValidID reports whether s may name a user or a room: 1 to MaxIDLength bytes out of
// ASCII letters, digits and "-_.:@|+=". That admits UUIDs and the subject claims of the
// usual identity providers, and keeps quotes, slashes, spaces and control characters
// out of stream names, URLs and logs.
func ValidID(s string) bool {
	if s == "" || len(s) > MaxIDLength {
		return false
	}
	for i := range len(s) {
		if !idByte(s[i]) {
			return false
		}
	}
	return true
}

func idByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	switch c {
	case '-', '_', '.', ':', '@', '|', '+', '=':
		return true
	}
	return false
}
