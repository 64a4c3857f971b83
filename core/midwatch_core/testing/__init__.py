"""For plugin authors: exchanges to test with (`factories`), and the suites that every repository passes."""
