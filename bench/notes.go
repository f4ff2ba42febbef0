package main

// notes say why a budget was not met on the machine of record, and what was tried; by the row's work.
var notes = map[string]string{}
