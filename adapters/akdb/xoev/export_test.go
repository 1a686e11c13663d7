package xoev

// Row is row, for tests.
var Row = row
