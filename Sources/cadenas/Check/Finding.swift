/// Something that `cadenas check` has to say.
struct Finding: Equatable {
  /// The weight of a finding, from `ok` to `error`.
  enum Severity: String, Comparable {
    /// All is well; said so that it is seen to have been looked at.
    case ok
    /// The service works, and something about it should be better.
    case warning
    /// The service does not start, or will not do what it should.
    case error

    static func < (first: Severity, second: Severity) -> Bool { first.rank < second.rank }

    private var rank: Int {
      switch self {
      case .ok: 0
      case .warning: 1
      case .error: 2
      }
    }
  }

  /// The part of the installation that a finding is about.
  enum Area: String {
    case configuration
    /// Who may change what it is made of.
    case files
    case certificates
    case keys
    case store
    case host
  }

  let severity: Severity
  let area: Area
  let text: String
  /// What to do; nil where nothing has to be done.
  let remedy: String?
  /// Whether it says that something could not be looked at: then all may be well or not.
  private(set) var isUnseen = false

  init(_ severity: Severity, _ area: Area, _ text: String, remedy: String? = nil) {
    self.severity = severity
    self.area = area
    self.text = text
    self.remedy = remedy
  }

  /// A warning that something could not be looked at.
  static func unseen(_ area: Area, _ text: String, remedy: String) -> Finding {
    var finding = Finding(.warning, area, text, remedy: remedy)
    finding.isUnseen = true
    return finding
  }
}
