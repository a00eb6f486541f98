// The XML-RPC client of terra-farm, by which Packer's plugin calls: every record of every class, a VM's life, a failure's parameters.
package main

import (
	"fmt"
	"os"
	"reflect"
	"regexp"

	xenapi "github.com/terra-farm/go-xen-api-client"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// The client takes a record only when each of its fields has the declared type. It is older than the interface: values of
// enumerations that came later, and classes that are gone, are all that may fail, as with any server of today.
func readAll(client *xenapi.Client, session xenapi.SessionRef) int {
	read := 0
	classes := reflect.ValueOf(*client)
	for i := 0; i < classes.NumField(); i++ {
		if !classes.Type().Field(i).IsExported() {
			continue
		}
		method := classes.Field(i).MethodByName("GetAllRecords")
		if !method.IsValid() {
			continue
		}
		answer := method.Call([]reflect.Value{reflect.ValueOf(session)})
		if err, failed := answer[1].Interface().(error); failed {
			if regexp.MustCompile("is not any of the known values|MESSAGE_REMOVED").MatchString(err.Error()) {
				continue
			}
			must(fmt.Errorf("%s: %w", classes.Type().Field(i).Name, err))
		}
		read += answer[0].Len()
	}
	return read
}

func main() {
	client, err := xenapi.NewClient(os.Args[1], nil)
	must(err)
	session, err := client.Session.LoginWithPassword("root", os.Args[2], "1.0", "interop")
	must(err)
	templates, err := client.VM.GetByNameLabel(session, "Debian Bookworm 12")
	must(err)
	vm, err := client.VM.Clone(session, templates[0], "by the Go client")
	must(err)
	must(client.VM.Provision(session, vm))
	must(client.VM.Start(session, vm, false, false))
	if read := readAll(client, session); read < 100 {
		must(fmt.Errorf("only %d records", read))
	}
	failure, typed := client.VM.Start(session, vm, false, false).(*xenapi.Error)
	if !typed || failure.Code() != "VM_BAD_POWER_STATE" {
		must(fmt.Errorf("a VM that runs was started: %v", failure))
	}
	must(client.VM.HardShutdown(session, vm))
	must(client.VM.Destroy(session, vm))
	must(client.Session.Logout(session))
}
