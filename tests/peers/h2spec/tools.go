//go:build tools

// Package h2spec names the program that make builds here, so that go.mod and go.sum pin it.
package h2spec

import _ "github.com/summerwind/h2spec/cmd/h2spec"
