# A template from an install medium: what README of the plugin shows, with keys that are typed and a floppy.
variable "host" { type = string }
variable "password" { type = string }
variable "ssh_port" { type = number }
variable "folder" { type = string }
variable "format" { type = string }

source "xenserver-iso" "medium" {
  remote_host     = var.host
  remote_username = "root"
  remote_password = var.password
  remote_ssh_port = var.ssh_port

  clone_template = "Debian Bookworm 12"
  vm_name        = "packer ${var.format}"
  vm_description = "built by Packer"
  vm_memory      = 1024
  vcpus_max      = 2
  disk_size      = 64
  sr_name        = "Shared storage"
  sr_iso_name    = "ISO library"
  firmware       = "bios"

  iso_url      = "file://${var.folder}/medium.iso"
  iso_checksum = "none"
  floppy_files = ["${var.folder}/answers.txt"]

  boot_wait    = "1s"
  boot_command = ["<esc>Install<enter>"]
  ip_getter    = "tools"

  communicator = "none"
  ssh_username = "nobody"

  format           = var.format
  keep_vm          = "never"
  output_directory = "${var.folder}/${var.format}"
}

build {
  sources = ["xenserver-iso.medium"]
}
