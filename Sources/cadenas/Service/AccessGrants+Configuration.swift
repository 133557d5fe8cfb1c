import AccessPolicy
import Administration
import ConfigurationReading

extension AccessGrants {
  /// What a configuration grants.
  init(_ configuration: ServiceConfiguration) {
    let merchants = configuration.merchants.flatMap { merchant in
      merchant.clients.map { client in
        ClientGrant(
          identity: client.id, merchant: merchant.name,
          operations: Operation.allCases.filter { merchant.permits($0, to: client.id) }
            .map(\.rawValue))
      }
    }
    let acquirers = configuration.acquirers.flatMap { acquirer in
      (acquirer.pull?.clients ?? []).map {
        ClientGrant(
          identity: $0, acquirer: acquirer.name, operations: [Operation.detokenize.rawValue])
      }
    }
    self.init(
      roles: configuration.administration.roles.map {
        RoleGrant(role: $0.name, members: $0.members.map(AccessList.Member.init))
      }, clients: merchants + acquirers)
  }
}
