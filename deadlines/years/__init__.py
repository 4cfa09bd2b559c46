"""The years of the working calendar: one file a year, each quoting the notice it encodes."""
