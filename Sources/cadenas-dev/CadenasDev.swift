import ArgumentParser

@main
struct CadenasDev: ParsableCommand {}
