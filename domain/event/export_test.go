package event

// Upcaster is one step between two schema versions.
type Upcaster = upcaster

// UpcastWith is upcast for steps that no type has yet.
func UpcastWith(steps []Upcaster, typ string, version int, data []byte) ([]byte, error) {
	return upcastWith(steps, typ, version, data)
}
