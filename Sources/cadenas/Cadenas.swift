import ArgumentParser

@main
struct Cadenas: ParsableCommand {}
