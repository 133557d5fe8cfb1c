import Administration
import ArgumentParser

struct AccessCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "access",
    abstract: "Show who may do what now, and when each of them last did something.",
    discussion: """
      Accounts with a role, members of groups as the host lists them, and clients' identities, with their \
      newest entry of the audit log: for the review of rights that PCI DSS 7.2.4 asks for every six \
      months. What somebody was refused counts too; its outcome says so.
      """)

  @OptionGroup var common: CommonOptions

  func run() throws {
    try common.show(ShowAccess(), offline: true, showing: "reading the log", Self.text)
  }

  static func text(_ document: DocumentView) -> String {
    var accounts = TextTable([("ACCOUNT", .left), ("ROLES", .left), ("LAST USE", .left)])
    for account in document.rows("accounts") {
      let roles = account.rows("roles").map { role in
        let group = role.text("through")
        return role.text("role") + (group == "-" ? "" : " (\(group))")
      }
      accounts.add([
        account.text("account") + (account.text("exists") == "no" ? " (not on this host)" : ""),
        roles.joined(separator: ", "), lastUse(account),
      ])
    }
    var clients = TextTable([
      ("CLIENT", .left), ("OF", .left), ("OPERATIONS", .left), ("LAST USE", .left),
    ])
    let archived = document.text("clients_archived_until")
    for client in document.rows("clients") {
      let merchant = client.text("merchant")
      clients.add([
        client.text("client"),
        merchant == "-" ? "acquirer \(client.text("acquirer"))" : "merchant \(merchant)",
        client.list("operations"), lastUse(client),
      ])
    }
    return accounts.text + groups(document.rows("groups")) + "\n" + clients.text
      + "\nthe log begins at \(document.text("log_begins")): never means not since then"
      + (archived == "-"
        ? "" : ", of clients not since \(archived), before which they are archived")
      + "\n"
  }

  /// Groups that are empty, or unknown, since nobody stands in the table for them.
  private static func groups(_ groups: [DocumentView]) -> String {
    groups.filter { $0["members"]?.integer ?? 0 == 0 }.map { group in
      let members = group.text("members") == "0" ? "has no members" : "could not be looked up"
      return "\(group.text("group")), \(group.text("role")), \(members)\n"
    }.joined()
  }

  private static func lastUse(_ row: DocumentView) -> String {
    guard let use = row["last_use"], use.text != "-" else { return "never" }
    return "\(use.text("time"))  \(use.text("operation")) \(use.text("outcome"))"
  }
}
