import Administration
import ArgumentParser

struct KeysInventoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inventory",
    abstract: "List the cryptography in use: keys, algorithms, protocols, certificates.",
    discussion: """
      It is made from the objects that the program works with at that moment: PCI DSS asks for such \
      an inventory of keys (3.6.1.1), of certificates (4.2.1.1) and of cipher suites and protocols \
      (12.3.3). Without a service, the parts are made from the configuration as a start would. --sign needs the running service.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var signing: SigningOption

  func run() throws {
    try signing.show(ShowInventory(isSigned: signing.sign != nil), common) { view in
      Self.sections.map {
        Console.styled($0.title, .bold) + "\n" + Self.table(of: $0, in: view) + "\n"
      }.joined()
    }
  }

  /// A list of the document, and the members of it that a table shows.
  private struct Section {
    let title: String
    let list: String
    let columns: [String]
  }

  private static let sections = [
    Section(
      title: "Keys", list: "keys",
      columns: [
        "id", "role", "state", "algorithm", "key_bits", "age_days", "days_left", "cards", "purpose",
      ]),
    Section(
      title: "Algorithms", list: "algorithms",
      columns: ["name", "key_bits", "parameters", "implementation", "purpose"]),
    Section(
      title: "Protocols", list: "protocols",
      columns: ["name", "minimum", "maximum", "use", "address", "cipher_suites"]),
    Section(
      title: "Certificates", list: "certificates",
      columns: [
        "subject", "use", "key_type", "key_bits", "signature_algorithm", "not_after", "age_days",
        "days_left",
      ]),
    Section(
      title: "Revocation lists", list: "revocation_lists",
      columns: ["authority", "next_update", "days_left", "path"]),
    Section(
      title: "Libraries", list: "libraries", columns: ["name", "version", "purpose"]),
  ]

  private static func table(of section: Section, in view: DocumentView) -> String {
    let numbers: Set<String> = ["key_bits", "age_days", "days_left", "cards"]
    return TextTable(
      section.columns.map { name in
        (name.replacing("_", with: " ").uppercased(), numbers.contains(name) ? .right : .left, name)
      }, view.rows(section.list)
    ) { row, name in
      let texts = row.texts(name)
      return texts.isEmpty ? row.text(name) : texts.joined(separator: " ")
    }.text
  }
}
