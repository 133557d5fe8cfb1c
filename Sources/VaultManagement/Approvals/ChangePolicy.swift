/// What the configuration in force asks of whoever changes something.
package struct ChangePolicy: Equatable, Sendable {
  /// How many different persons each kind takes, the one who asks among them; one, where it is absent.
  package var persons: [ApprovalKind: Int]
  /// Whether it takes a ticket.
  package var needsTicket: Bool

  /// One person, and no ticket, unless something else is said.
  package init(persons: [ApprovalKind: Int] = [:], needsTicket: Bool = false) {
    self.persons = persons
    self.needsTicket = needsTicket
  }
}
