// Command go is a service that decides about its requests by itself, as its Hexward server would: it follows the server's
// bundles, and goes on by the last one while the server is away.
package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/hexward/hexward/core/edge"
	"github.com/hexward/hexward/core/token"
)

func main() {
	trust, err := token.ParseKeySet([]byte(os.Getenv("BUNDLE_KEY"))) // what "hexward bundle key show" prints
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := edge.New(edge.Config{Trust: trust, Algorithms: []token.Algorithm{token.EdDSA, token.ES256, token.RS256}})
	if err != nil {
		log.Fatal(err)
	}
	go follow(context.Background(), verifier, os.Getenv("HEXWARD")+"/.well-known/hexward-bundle")

	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"hello": principal(r).Name, "kind": principal(r).Kind.String()})
	})
	server := http.Server{Addr: os.Getenv("LISTEN"), Handler: protect(verifier, hello), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// protect answers what the policy refuses as the server does, and hands the rest on with who asks.
func protect(verifier *edge.Verifier, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, _, _ := strings.Cut(r.RequestURI, "?") // as it came
		h := r.Header
		asked := edge.Request{
			Method: r.Method, Path: path,
			Authorization: strings.Join(h["Authorization"], ", "), HasAuthorization: len(h["Authorization"]) > 0,
			Cookie: strings.Join(h["Cookie"], "; "),
			Origin: strings.Join(h["Origin"], ", "), FetchSite: strings.Join(h["Sec-Fetch-Site"], ", "),
		}
		var verdict edge.Verdict
		verifier.Decide(&asked, time.Now().UnixMilli(), &verdict)
		if !verdict.Allowed() {
			refuse(w, &verdict)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), asking{}, &verdict.Principal)))
	})
}
