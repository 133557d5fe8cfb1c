import AccessPolicy
import ArgumentParser
import ConfigurationReading
import JSON
import SystemCalls

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Look at configuration, certificates, keys, store, limits and host.",
    discussion: """
      Nothing is started and nothing is changed. Every finding comes with its remedy. Exit status 0 \
      where nothing is in the way of the service, 1 where something is or could not be looked at, 2 \
      where the configuration itself has mistakes.
      """)

  @OptionGroup var common: CommonOptions

  func run() throws {
    let result = Self.look(common.config.path)
    try common.output.show(Self.json(result)) { _ in Self.text(result) }
    let errors = result.findings.filter { $0.severity == .error }
    if errors.contains(where: { $0.area == .configuration }) {
      throw ExitCode(CommandFailure.Status.invalid.rawValue)
    }
    if !errors.isEmpty || result.findings.contains(where: \.isUnseen) {
      throw ExitCode(CommandFailure.Status.refused.rawValue)
    }
  }

  private struct Result {
    var findings: [Finding]
    /// The limits; nil where the configuration cannot be read.
    var limits: Limits?
  }

  private static func look(_ path: String) -> Result {
    let configuration: ServiceConfiguration
    do throws(ConfigurationError) {
      configuration = try ServiceConfiguration.load(path: path)
    } catch {
      return Result(findings: mistakes(error))
    }
    var (findings, parts) = parts(configuration)
    findings += configuration.cautions.map {
      Finding(.warning, .configuration, $0.text, remedy: $0.remedy)
    }
    findings += GuessCheck(configuration: configuration).run()
    findings += FileCheck(configuration, parts).run()
    findings += CertificateCheck(
      configuration: configuration, definitions: parts?.definitions ?? [],
      nowSeconds: SystemClock.unixMilliseconds() / 1_000
    ).run()
    if let parts { findings += DevelopmentCheck(configuration, parts).run() }
    let store = StoreCheckup(configuration: configuration).run()
    findings += store.findings
    findings += CredentialCheck(configuration).run()
    findings += AccountCheck(configuration: configuration, isRunning: store.isRunning).run()
    findings += RoleCheck(configuration).run()
    findings += HostCheck(configuration: configuration).run()
    findings += ClockCheck(
      configuration: configuration, nowSeconds: SystemClock.unixMilliseconds() / 1_000
    ).run()
    findings += StreamCheck(configuration: configuration).run()
    findings += CheckpointCheck(configuration: configuration, isRunning: store.isRunning).run()
    return Result(findings: findings, limits: configuration.limits)
  }

  /// Templates and authorities, loaded as the service loads them; nil where that is not possible.
  private static func parts(_ configuration: ServiceConfiguration) -> ([Finding], ServiceParts?) {
    do throws(ConfigurationError) {
      let parts = try ServiceParts(configuration, generation: 0)
      let text = "\(configuration.file) and its templates are valid"
      return ([Finding(.ok, .configuration, text)], parts)
    } catch {
      return (mistakes(error), nil)
    }
  }

  private static func mistakes(_ error: ConfigurationError) -> [Finding] {
    error.diagnostics.map { mistake in
      let place = Diagnostic(file: mistake.file, line: mistake.line, message: mistake.message)
      return Finding(
        .error, .configuration, place.description, remedy: mistake.suggestion)
    }
  }

  /// The characters before the text of a finding.
  private static let indent = 9

  private static func folded(_ text: String) -> String {
    TextFold.text(Console.printable(text), indent: indent) + "\n"
  }

  private static func text(_ result: Result) -> String {
    var text = ""
    for finding in result.findings {
      let word =
        switch finding.severity {
        case .ok: Console.styled("ok      ", .green)
        case .warning: Console.styled("warning ", .yellow)
        case .error: Console.styled("error   ", .red)
        }
      text += word + " " + folded("\(finding.area.rawValue): \(finding.text)")
      if let remedy = finding.remedy {
        text += String(repeating: " ", count: indent) + folded("remedy: \(remedy)")
      }
    }
    guard let limits = result.limits else { return text }
    var table = TextTable([
      ("LIMIT", .left), ("VALUE", .right), ("UNIT", .left), ("WHERE, AND PAST IT", .left),
    ])
    for entry in Limits.entries {
      table.add([entry.name, String(entry.value(in: limits)), entry.unit, entry.effect])
    }
    return text + "\n" + table.text
  }

  private static func json(_ result: Result) -> [UInt8] {
    JSONWriter.document { json in
      json.member("findings", objects: result.findings) { json, finding in
        json.member("severity", string: finding.severity.rawValue)
        json.member("area", string: finding.area.rawValue)
        json.member("text", string: finding.text)
        json.member("remedy", string: finding.remedy)
      }
      let limits = result.limits.map { limits in Limits.entries.map { ($0, $0.value(in: limits)) } }
      json.member("limits", objects: limits ?? []) { json, limit in
        let (entry, value) = limit
        json.member("name", string: entry.name)
        json.member("value", integer: value)
        json.member("unit", string: entry.unit)
        json.member("effect", string: entry.effect)
      }
    }
  }
}
