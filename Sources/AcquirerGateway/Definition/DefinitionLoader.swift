package import AccessPolicy
package import ConfigurationReading
import SystemCalls

/// Makes definitions out of the configuration: reads templates, certificates and credentials, and
/// reports every mistake in them and between them.
package struct DefinitionLoader {
  /// The list that mistakes are added to.
  package let diagnostics: Diagnostics

  /// Makes a loader.
  package init(diagnostics: Diagnostics) {
    self.diagnostics = diagnostics
  }

  /// Every acquirer that takes forwarded payments, those with mistakes left out.
  ///
  /// - Parameters:
  ///   - push: how to reach each acquirer, by its name.
  ///   - merchants: all merchants; what they bring is checked against the templates.
  package func load(
    push: [String: PushSettings], merchants: [Merchant]
  ) -> [AcquirerDefinition] {
    push.sorted { $0.key < $1.key }.compactMap { name, settings in
      load(name, settings, merchants)
    }
  }

  private func load(
    _ name: String, _ settings: PushSettings, _ merchants: [Merchant]
  ) -> AcquirerDefinition? {
    let file = settings.templatePath
    guard let tree = ConfigurationTree.read(file, diagnostics),
      let template = TemplateCompiler.compile(
        tree, directory: Directory.containing(file), diagnostics)
    else { return nil }
    let before = diagnostics.count
    let url = settings.url ?? template.url
    if url == nil {
      report(
        file, "no \"url\" says where \(quoted(name)) listens",
        "write it here, or under acquirers.\(name).push")
    }
    let pins = settings.tls ?? template.tls
    if pins == nil {
      report(
        file, "no \"tls\" says whom to believe to be \(quoted(name))",
        "write it here, or under acquirers.\(name).push")
    }
    let tls = pins.flatMap { OutboundContext($0, report) }
    var access: [String: MerchantAccess] = [:]
    for merchant in merchants.sorted(by: { $0.name < $1.name }) {
      guard let brought = merchant.acquirers[name] else { continue }
      checkConstants(brought.constants, of: merchant.name, at: name, template)
      access[merchant.name] = MerchantAccess(
        constants: brought.constants,
        authorization: authorization(brought, of: merchant.name, at: name, template, file))
    }
    guard diagnostics.count == before, let url, let pins, let tls else { return nil }
    let listing = AcquirerTLS(
      acquirer: name, url: url.description, serverName: pins.serverName, settings: tls.settings,
      authorities: tls.authorities, chain: tls.chain)
    return AcquirerDefinition(
      name: name, template: template,
      endpoint: AcquirerEndpoint(url: url, tls: tls.context, listing: listing), merchants: access)
  }

  private func report(_ file: String, _ message: String, _ suggestion: String? = nil) {
    diagnostics.report(
      Diagnostic(file: file, line: nil, message: message, suggestion: suggestion))
  }

  // MARK: - Merchants

  private func checkConstants(
    _ constants: [String: String], of merchant: String, at acquirer: String,
    _ template: AcquirerTemplate
  ) {
    let place = "merchants.\(merchant).acquirers.\(acquirer).constants"
    let names = template.constants.map(\.name)
    for use in template.constants {
      guard let value = constants[use.name] else {
        let misspelled = constants.keys.filter { !names.contains($0) }.sorted()
        let found = closest(to: use.name, among: misspelled)
        diagnostics.report(
          "merchant \(quoted(merchant)) has no constant \(quoted(use.name))", at: use.position,
          suggestion: found.map { "\(place) has \(quoted($0)), is that it?" }
            ?? "add it to \(place)")
        continue
      }
      if !use.accepts(value) {
        diagnostics.report(
          "the constant \(quoted(use.name)) of merchant \(quoted(merchant)) does not fit here",
          at: use.position,
          suggestion: use.isInteger ? "it has to be a whole number" : "use A-Z a-z 0-9 - . _ ~")
      }
    }
    for name in constants.keys.sorted() where !names.contains(name) {
      diagnostics.report(
        "nothing here uses the constant \(quoted(name)) of merchant \(quoted(merchant))",
        at: template.position, suggestion: "remove it from \(place)")
    }
  }

  private func authorization(
    _ brought: MerchantAcquirer, of merchant: String, at acquirer: String,
    _ template: AcquirerTemplate, _ file: String
  ) -> SecretHeader? {
    let place = "merchants.\(merchant).acquirers.\(acquirer)"
    let spare: String? =
      switch template.authorization {
      case .basic: brought.bearerFile.map { _ in "bearer_file" }
      case .bearer: brought.basic.map { _ in "basic" }
      case nil: brought.basic != nil ? "basic" : brought.bearerFile.map { _ in "bearer_file" }
      }
    if let spare {
      report(
        file, "nothing here sends what \(place).\(spare) says",
        "remove it, or write \"authorization\" beside \"operations\"")
    }
    do throws(AuthorizationLoader.Failure) {
      switch template.authorization {
      case nil: return nil
      case .basic:
        if let basic = brought.basic { return try AuthorizationLoader.basic(basic) }
        report(file, "merchant \(quoted(merchant)) has no user and password", "add \(place).basic")
      case .bearer:
        if let path = brought.bearerFile { return try AuthorizationLoader.bearer(path) }
        report(file, "merchant \(quoted(merchant)) has no token", "add \(place).bearer_file")
      }
    } catch {
      report(brought.basic?.passwordFile ?? brought.bearerFile ?? file, error.message)
    }
    return nil
  }
}
