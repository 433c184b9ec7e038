package user_test

import (
	"errors"

	"github.com/hexward/hexward/core/fault"
)

func asFault(err error, f **fault.Error) bool { return errors.As(err, f) }
