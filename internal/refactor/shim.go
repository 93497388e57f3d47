package refactor

// Shim is a package that only forwards to another.
type Shim struct {
	Dir string `json:"directory"`
	Old string `json:"old"` // its import path
	New string `json:"new"` // what it forwards to
}

func FindShims(m *Module) []Shim { return []Shim{} }
