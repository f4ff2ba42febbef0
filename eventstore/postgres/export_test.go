package postgres

// Runs is what OnCommit calls are cut by.
var Runs = runs
