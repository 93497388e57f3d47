package config

import "strconv"

// Layer is where a value comes from. A higher layer wins over a lower one.
type Layer int

// The layers, lowest first.
const (
	Default Layer = iota
	File
	Env
)

// String returns the layer's name.
func (l Layer) String() string {
	switch l {
	case File:
		return "file"
	case Env:
		return "env"
	}
	return "default"
}

// Origin tells where the value of a key comes from.
type Origin struct {
	Layer Layer
	Name  string // the file's name or the variable's name; "" for a default

	line, col int // in the file, from 1
}

// String returns "default", "resync.yaml:14" or "env TWS_HOST".
func (o Origin) String() string {
	switch o.Layer {
	case File:
		return o.Name + ":" + strconv.Itoa(o.line)
	case Env:
		return "env " + o.Name
	}
	return "default"
}

// place is where a problem is reported: with the column, and nothing for a
// default.
func (o Origin) place() string {
	switch {
	case o.Layer == File && o.line > 0:
		return o.String() + ":" + strconv.Itoa(o.col)
	case o.Layer == File:
		return o.Name
	case o.Layer == Env:
		return o.String()
	}
	return ""
}
