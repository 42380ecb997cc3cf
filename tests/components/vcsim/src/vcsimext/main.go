// vcsimext is govmomi's vSphere simulator with what a console proxy needs beside it: console
// tickets by ESX host, and a search that finds all machines with a UUID.
//
// Build: GO111MODULE=off GOFLAGS= GOPATH=$PWD:/usr/share/gocode go build -o vcsimext vcsimext
package main

import (
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"log"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

var (
	listen  = flag.String("listen", "127.0.0.1:8989", "address of the API")
	kind    = flag.String("model", "vpx", "vpx (a vCenter) or esx (one host)")
	user    = flag.String("user", "user", "")
	pass    = flag.String("pass", "pass", "")
	cert    = flag.String("cert", "", "PEM certificate of the API")
	key     = flag.String("key", "", "PEM key of the API")
	hosts   = flag.Int("host", 2, "hosts outside of the cluster")
	vms     = flag.Int("vm", 1, "machines per host outside of the cluster, and in the cluster")
	tickets = flag.String("tickets", "", "JSON file: ESX host's name -> {host, port, certificate}, read for each ticket; * is any host")
	uuid    = flag.String("uuid", "", "instance UUID of the vCenter, instead of the simulator's one")
	version = flag.String("version", "", "version of the API, instead of 6.5")
	journal = flag.String("journal", "", "file to which each ticket is appended as a line of JSON")
)

// console says what is written into the tickets of one ESX host. Which of it there is depends on
// the version of the API: url since 7.0, certThumbprintList since 7.0.3.1, and since 9.0
// sslCertificate, never together with sslThumbprint.
type console struct {
	Host        string
	Port        int32
	Certificate string   // PEM file, its SHA-1 goes into sslThumbprint; none when empty
	UrlHost     string   // host in url, which may differ from Host; the same when empty
	Algorithms  []string // sha256, sha512: go into certThumbprintList
	Pem         bool     // whether the certificate is told whole, in sslCertificate
	Limit       int32    // RemoteDisplay.maxConnections, which is reached; no limit when 0
}

// ticket is types.VirtualMachineTicket with what later versions added.
type ticket struct {
	Ticket             string       `xml:"ticket"`
	CfgFile            string       `xml:"cfgFile"`
	Host               string       `xml:"host,omitempty"`
	Port               int32        `xml:"port,omitempty"`
	SslThumbprint      string       `xml:"sslThumbprint,omitempty"`
	CertThumbprintList []thumbprint `xml:"certThumbprintList,omitempty"`
	SslCertificate     string       `xml:"sslCertificate,omitempty"`
	Url                string       `xml:"url,omitempty"`
}

type thumbprint struct {
	Thumbprint    string `xml:"thumbprint"`
	HashAlgorithm string `xml:"hashAlgorithm"`
}

type acquireTicketResponse struct {
	Returnval ticket `xml:"returnval"`
}

type acquireTicketBody struct {
	Res    *acquireTicketResponse `xml:"urn:vim25 AcquireTicketResponse,omitempty"`
	Fault_ *soap.Fault            `xml:"http://schemas.xmlsoap.org/soap/envelope/ Fault,omitempty"`
}

func (b *acquireTicketBody) Fault() *soap.Fault { return b.Fault_ }

var mutex sync.Mutex

// machine embeds a value: the property collector looks into field 0 and panics on a pointer.
type machine struct {
	simulator.VirtualMachine
}

// AcquireTicket is found by its name, which is that of the SOAP body's element.
func (vm *machine) AcquireTicket(req *types.AcquireTicket) soap.HasFault {
	body := new(acquireTicketBody)
	if vm.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn {
		body.Fault_ = simulator.Fault("not allowed in the current state", &types.InvalidState{})
		return body
	}
	if req.TicketType != "webmks" {
		body.Fault_ = simulator.Fault("A specified parameter was not correct: ticketType",
			&types.InvalidArgument{InvalidProperty: "ticketType"})
		return body
	}
	where, found := consoleOf(vm)
	if !found {
		body.Fault_ = simulator.Fault("", &types.NoPermission{
			Object: vm.Self, PrivilegeId: "VirtualMachine.Interact.ConsoleInteract"})
		return body
	}
	if where.Limit > 0 {
		body.Fault_ = simulator.Fault("The limit of connections was reached",
			&types.MksConnectionLimitReached{ConnectionLimit: where.Limit})
		return body
	}
	given := where.ticket(random(), vm.Config.Files.VmPathName)
	write(map[string]string{"ticket": given.Ticket, "vm": vm.Self.Value, "name": vm.Name, "esx": hostName(vm)})
	body.Res = &acquireTicketResponse{Returnval: given}
	return body
}

// ticket is what a host of this version of the API says.
func (where console) ticket(secret, cfgFile string) ticket {
	given := ticket{Ticket: secret, CfgFile: cfgFile, Host: where.Host, Port: where.Port}
	der := certificate(where.Certificate)
	if since(7, 0) && where.UrlHost != "" {
		given.Url = fmt.Sprintf("wss://%s:%d/ticket/%s", where.UrlHost, where.Port, secret)
	}
	if der == nil {
		return given
	}
	if since(7, 0, 3, 1) {
		for _, algorithm := range where.Algorithms {
			digest := fmt.Sprintf("%X", sha256.Sum256(der))
			if algorithm == "sha512" {
				digest = fmt.Sprintf("%X", sha512.Sum512(der))
			}
			given.CertThumbprintList = append(given.CertThumbprintList, thumbprint{digest, algorithm})
		}
	}
	if since(9, 0) && where.Pem {
		block := &pem.Block{Type: "CERTIFICATE", Bytes: der}
		given.SslCertificate = string(pem.EncodeToMemory(block))
	} else {
		given.SslThumbprint = colons(der)
	}
	return given
}

// since tells whether the API is of this version, or a later one.
func since(wanted ...int) bool {
	parts := strings.Split(*version, ".")
	for i, each := range wanted {
		number := 0
		if i < len(parts) {
			number, _ = strconv.Atoi(parts[i])
		}
		if number != each {
			return number > each
		}
	}
	return true
}

// ReconfigVMTask lets the same key of extraConfig replace, as a real vCenter does.
func (vm *machine) ReconfigVMTask(ctx *simulator.Context, req *types.ReconfigVM_Task) soap.HasFault {
	replaced := map[string]bool{}
	for _, option := range req.Spec.ExtraConfig {
		replaced[option.GetOptionValue().Key] = true
	}
	var kept []types.BaseOptionValue
	for _, option := range vm.Config.ExtraConfig {
		if !replaced[option.GetOptionValue().Key] {
			kept = append(kept, option)
		}
	}
	vm.Config.ExtraConfig = kept
	return vm.VirtualMachine.ReconfigVMTask(ctx, req)
}

// RelocateVMTask lets the hosts know which machines they have, as a real vCenter does.
func (vm *machine) RelocateVMTask(ctx *simulator.Context, req *types.RelocateVM_Task) soap.HasFault {
	if req.Spec.Host != nil {
		before := simulator.Map.Get(*vm.Runtime.Host).(*simulator.HostSystem)
		simulator.Map.RemoveReference(before, &before.Vm, vm.Self)
		after := simulator.Map.Get(*req.Spec.Host).(*simulator.HostSystem)
		simulator.Map.AppendReference(after, &after.Vm, vm.Self)
	}
	return vm.VirtualMachine.RelocateVMTask(ctx, req)
}

type search struct {
	simulator.SearchIndex
}

// FindAllByUuid is missing in the simulator.
func (s *search) FindAllByUuid(req *types.FindAllByUuid) soap.HasFault {
	body := &methods.FindAllByUuidBody{Res: new(types.FindAllByUuidResponse)}
	for _, entity := range simulator.Map.All("VirtualMachine") {
		vm, ok := entity.(*machine)
		if !ok {
			continue
		}
		uuid := vm.Config.Uuid
		if req.InstanceUuid != nil && *req.InstanceUuid {
			uuid = vm.Config.InstanceUuid
		}
		if strings.EqualFold(uuid, req.Uuid) {
			body.Res.Returnval = append(body.Res.Returnval, vm.Self)
		}
	}
	return body
}

func hostName(vm *machine) string {
	return simulator.Map.Get(*vm.Runtime.Host).(*simulator.HostSystem).Name
}

func consoleOf(vm *machine) (console, bool) {
	all := map[string]console{}
	text, err := os.ReadFile(*tickets)
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		log.Print(err)
	}
	where, found := all[hostName(vm)]
	if !found {
		where, found = all["*"]
	}
	return where, found
}

func certificate(file string) []byte {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	block, _ := pem.Decode(text)
	return block.Bytes
}

func colons(der []byte) string {
	var bytes []string
	for _, each := range sha1.Sum(der) {
		bytes = append(bytes, fmt.Sprintf("%02X", each))
	}
	return strings.Join(bytes, ":")
}

func random() string {
	bytes := make([]byte, 8)
	if _, err := rand.Read(bytes); err != nil {
		log.Fatal(err)
	}
	return hex.EncodeToString(bytes)
}

func write(line map[string]string) {
	mutex.Lock()
	defer mutex.Unlock()
	file, err := os.OpenFile(*journal, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0600)
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	if err := json.NewEncoder(file).Encode(line); err != nil {
		log.Fatal(err)
	}
}

func model() *simulator.Model {
	if *kind == "esx" {
		made := simulator.ESX()
		made.Machine = *vms
		return made
	}
	made := simulator.VPX()
	made.Machine, made.Host = *vms, *hosts
	return made
}

func main() {
	flag.Parse()
	made := model()
	if *uuid != "" {
		made.ServiceContent.About.InstanceUuid = *uuid
	}
	if *version != "" {
		made.ServiceContent.About.ApiVersion = *version
	}
	defer made.Remove()
	if err := made.Create(); err != nil {
		log.Fatal(err)
	}
	for _, entity := range simulator.Map.All("VirtualMachine") {
		if vm, ok := entity.(*simulator.VirtualMachine); ok {
			simulator.Map.Put(&machine{*vm})
		}
	}
	index := simulator.Map.SearchIndex()
	simulator.Map.Put(&search{*index})
	pair, err := tls.LoadX509KeyPair(*cert, *key)
	if err != nil {
		log.Fatal(err)
	}
	made.Service.Listen = &url.URL{Host: *listen, User: url.UserPassword(*user, *pass)}
	made.Service.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server := made.Service.NewServer()
	fmt.Println("READY", server.URL.Host)
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGINT, syscall.SIGTERM)
	<-end
	server.Close()
}
