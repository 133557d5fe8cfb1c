import ArgumentParser

struct PKICommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pki",
    abstract: "Make the development certificates.",
    discussion: """
      The directory must be absent or empty. It then holds the authorities ca.pem, acquirer-ca.pem \
      and stranger-ca.pem, a pair NAME.pem and NAME.key for each party, the revocation lists \
      ca.crl and acquirer-ca.crl, and development-pki.cnf, the recipe of all of them.
      """)

  @Option(help: ArgumentHelp("Where the certificates go.", valueName: "dir"))
  var directory: String

  func run() throws {
    let directory = try DevelopmentFiles.absolute(directory)
    try DevelopmentPKI.make(in: directory)
    for authority in DevelopmentPKI.authorities {
      Terminal.say("\(authority.name) signs \(authority.leaves.joined(separator: ", "))")
    }
    Terminal.say("written to \(directory)")
  }
}
