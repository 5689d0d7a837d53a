"""plots/report.html: the report as one file that asks for nothing else, to read, send and print."""
