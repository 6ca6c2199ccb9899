package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	names := strings.Fields(os.Args[1])
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var fields [][]byte
		for _, field := range strings.Split(lines.Text(), "\t") {
			value, _ := base64.StdEncoding.DecodeString(field)
			fields = append(fields, value)
		}
		header := func(name string) string {
			for i, known := range names {
				if known == name {
					return string(fields[3+i])
				}
			}
			return ""
		}
		now := time.Now()
		if seconds, err := strconv.ParseInt(string(fields[2]), 10, 64); err == nil {
			now = time.Unix(seconds, 0)
		}
		if Verify(fields[1], header, string(fields[0]), now) == nil {
			fmt.Println("genuine")
		} else {
			fmt.Println("refused")
		}
	}
}
