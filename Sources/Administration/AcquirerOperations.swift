internal import AuditLog
internal import JSON

/// `acquirers`: what each acquirer is, what its messages came to, and its connections.
package struct ShowAcquirers: PlainAdminOperation {
  package static let route = AdminRoute.get("/v1/acquirers")
  package var terms: AdminTerms {
    AdminTerms(.audit, .short, .document, .acquirers, leavesEntry: false)
  }

  package init() {}

  package func run(_ call: AdminCall) throws {
    guard let write = call.hooks.acquirers else {
      throw AdministrationError.unavailable("no service is running")
    }
    try call.answer { write(&$0) }
  }
}

/// `acquirers test`: a connection to one of them, opened to be looked at.
package struct TestAcquirer: AdminOperation {
  package static let route = AdminRoute.post("/v1/acquirers/test", "name")
  private let name: String

  package init(_ name: String) { self.name = name }

  package init(_ query: Query) throws(AdministrationError) {
    guard let name = query["name"] else {
      throw .malformedRequest("an acquirer is tested by its name in the configuration")
    }
    self.init(name)
  }

  package var fields: [Query.Field] { [("name", name)] }
  package var terms: AdminTerms { AdminTerms(.audit, .long, .document, .acquirersTest) }

  package func run(_ call: AdminCall) throws {
    guard let test = call.hooks.testAcquirer else {
      throw AdministrationError.unavailable("no service is running")
    }
    guard let document = try test(name) else {
      throw AdministrationError.notFound(
        "no acquirer of that name takes payments; cadenas acquirers lists those that do")
    }
    try call.show(document)
  }
}
