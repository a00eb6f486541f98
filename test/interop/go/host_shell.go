// The SSH of hosts that Packer's plugin asks for its own address, where simulated hosts have none: it answers that one command.
package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"log"
	"net"
	"os"

	"golang.org/x/crypto/ssh"
)

func answer(channel ssh.Channel, requests <-chan *ssh.Request, from net.Addr) {
	for request := range requests {
		var command struct{ Line string }
		if request.Type != "exec" || ssh.Unmarshal(request.Payload, &command) != nil || command.Line != "echo $SSH_CLIENT" {
			_ = request.Reply(false, nil)
			continue
		}
		_ = request.Reply(true, nil)
		client := from.(*net.TCPAddr)
		fmt.Fprintf(channel, "%s %d 22\n", client.IP, client.Port)
		_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{0}))
		_ = channel.Close()
	}
}

func serve(connection net.Conn, config *ssh.ServerConfig) {
	_, channels, requests, err := ssh.NewServerConn(connection, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for asked := range channels {
		if asked.ChannelType() != "session" {
			_ = asked.Reject(ssh.UnknownChannelType, "sessions only")
			continue
		}
		if channel, inner, err := asked.Accept(); err == nil {
			go answer(channel, inner, connection.RemoteAddr())
		}
	}
}

func main() {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		log.Fatal(err)
	}
	config := &ssh.ServerConfig{PasswordCallback: func(meta ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
		if meta.User() == "root" && string(given) == os.Args[1] {
			return nil, nil
		}
		return nil, fmt.Errorf("wrong password")
	}}
	config.AddHostKey(signer)
	// Hosts have addresses of their own on this machine; all are served.
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	for {
		connection, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(connection, config)
	}
}
