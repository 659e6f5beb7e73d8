// Go's HTTP/2, as a server and as a client, with nothing but its standard library.
//
//	peer serve CERT KEY         on a port of its own, which it prints: POST is counted, GET ?n= gives n bytes
//	peer get CA URL N           takes N bytes
//	peer put CA URL N           sends N bytes
//	peer refused CA URL EVENTS  sends bodies that URL refuses, while it reads the event stream EVENTS
//
// Byte i of a body is i mod 251. A client prints "ok", or what was wrong, and ends with 1.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const period = 251

var block = bytes.Repeat(sequence(), 1024)

func sequence() []byte {
	b := make([]byte, period)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// body gives n bytes; at is how many it has given.
type body struct{ at, n int }

func (b *body) Read(p []byte) (int, error) {
	if b.at == b.n {
		return 0, io.EOF
	}
	if len(p) > b.n-b.at {
		p = p[:b.n-b.at]
	}
	k := copy(p, block[b.at%period:])
	b.at += k
	return k, nil
}

// check reads to the end: how many bytes came, all as they must be.
func check(r io.Reader) (int, error) {
	at := 0
	p := make([]byte, 65536)
	for {
		n, err := r.Read(p)
		if !bytes.Equal(p[:n], block[at%period:at%period+n]) {
			return at, errors.New("other bytes than were sent")
		}
		at += n
		if err == io.EOF {
			return at, nil
		}
		if err != nil {
			return at, err
		}
	}
}

func serve(cert, key string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	fmt.Println("port", port)
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			n, err := check(r.Body)
			fmt.Fprintln(w, n, r.Proto, err)
			return
		}
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		_, _ = io.Copy(w, &body{n: n})
	}
	return http.ServeTLS(listener, http.HandlerFunc(handler), cert, key)
}

func client(ca string) (*http.Client, error) {
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	config := &tls.Config{RootCAs: pool}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}}, nil
}

func good(res *http.Response) error {
	if res.ProtoMajor != 2 || res.StatusCode != 200 {
		return fmt.Errorf("%s %s", res.Proto, res.Status)
	}
	return nil
}

func get(c *http.Client, url string, n int) error {
	res, err := c.Get(url)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if err := good(res); err != nil {
		return err
	}
	got, err := check(res.Body)
	if err == nil && got != n {
		err = fmt.Errorf("%d bytes", got)
	}
	return err
}

func put(c *http.Client, url string, n int) error {
	res, err := c.Post(url, "application/octet-stream", &body{n: n})
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if err := good(res); err != nil {
		return err
	}
	text, err := io.ReadAll(res.Body)
	if err == nil && !strings.HasPrefix(string(text), strconv.Itoa(n)+" ") {
		err = errors.New(string(text))
	}
	return err
}

// refused sends 38 bodies of 60,000 bytes beside a stream that must live through all of them.
func refused(c *http.Client, url, events string) error {
	stream, err := c.Get(events)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, stream.Body)
		ended <- err
	}()
	for i := 0; i < 38; i++ {
		res, err := c.Post(url, "application/octet-stream", &body{n: 60000})
		if err != nil {
			return fmt.Errorf("request %d: %w", i, err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if res.ProtoMajor != 2 || res.StatusCode != 404 {
			return fmt.Errorf("request %d: %s %s", i, res.Proto, res.Status)
		}
	}
	select {
	case err := <-ended:
		return fmt.Errorf("the stream ended: %v", err)
	case <-time.After(100 * time.Millisecond):
		return nil
	}
}

func run(args []string) error {
	if args[0] == "serve" {
		return serve(args[1], args[2])
	}
	c, err := client(args[1])
	if err != nil {
		return err
	}
	if args[0] == "refused" {
		return refused(c, args[2], args[3])
	}
	n, err := strconv.Atoi(args[3])
	if err == nil && args[0] == "get" {
		err = get(c, args[2], n)
	} else if err == nil {
		err = put(c, args[2], n)
	}
	return err
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ok")
}
