package chunk

func (r *reading) semantic(yield func([]span) bool) {}
