import Bytes
import Cards
import ConfigurationReading
import HTTPTypes
import Hummingbird
import NIOCore
import PaymentStore
import Payments
import SecretMemory

// The button.

extension ShopperRoutes {
  /// What the shopper wants to pay with, after it was checked.
  private enum Means: Sendable {
    /// A new card: the request that makes a token of it, and what may be shown.
    case new(ByteBuffer, scheme: String?, name: String?, Guesses.Guess)
    /// A card whose token is known.
    case token(String, CardView, isKept: Bool, Guesses.Guess)
    /// The code alone, of an attempt that the bank has confirmed.
    case confirmed(Attempt)
  }

  /// What reading the form gives.
  private enum Read: ~Copyable {
    case means(Means, SecretSlot, String)
    /// Mistakes, or a sentence.
    case faults([FieldFault], notice: String?, FormChoices, place: String)
    case nothing
  }

  func pay(_ request: Request, _ context: ShopperContext) async throws -> Response {
    guard let visit = try await visit(request, context) else { throw HTTPError(.notFound) }
    guard isOurs(request) else { return redirect(to: "", visit) }
    let address = context.address(of: request, trusting: trustedProxies)
    let now = engine.now()
    guard guesses.admit(address: address, at: now) else {
      engine.figures.count { $0.refusedByAddress += 1 }
      return try await refuse([], notice: "many", FormChoices(), "/card", visit)
    }
    guard let body = try? await request.body.collect(upTo: context.maxUploadSize) else {
      return try await refuse([], notice: "fault", FormChoices(), "/card", visit)
    }
    let kept = try await keptCards(of: visit)
    let form = read(body, visit, kept, at: now)
    switch form.take() {
    case .nothing: return redirect(to: "", visit)
    case .faults(let faults, let notice, let choices, let place):
      return try await refuse(faults, notice: notice, choices, place, visit)
    case .means(let means, let code, let token):
      return try await start(
        means, consume code, token, browser: browser(of: request, form.plain, address.text),
        keeps: form.plain["keep"] == "yes", visit)
    }
  }

  /// Nothing is sent: the form again, with what is wrong.
  private func refuse(
    _ faults: [FieldFault], notice: String?, _ choices: FormChoices, _ place: String,
    _ visit: Visit
  ) async throws -> Response {
    guard visit.isFirst else {
      // Nothing of another browser is kept with the payment: what is wrong goes with the address.
      let keys = Set(faults.map { FaultAddress.plain($0) } + (notice.map { [$0] } ?? []))
      let list = keys.sorted().joined(separator: ".")
      let form = place == "/code" ? place : "/card"
      return redirect(to: "\(form)\(list.isEmpty ? "" : "?f=\(list)")#faults", visit)
    }
    try await engine.change(visit.payment.id) { payment, writing, _ in
      // What says that nothing was charged is not kept with an attempt that may be charging.
      let isAtCode =
        try payment.state == .inProgress
        && writing.reading.attempts(of: payment.id).last?.step == .code
      guard payment.state == .open || isAtCode else { return }
      payment.faults = faults
      payment.notice = notice
      payment.choices = choices
    }
    return redirect(to: "\(place)#faults", visit)
  }

  private func read(
    _ body: ByteBuffer, _ visit: Visit, _ kept: [ShownCard], at now: Milliseconds
  ) -> ReadForm {
    unsafe body.withUnsafeReadableBytes { bytes -> ReadForm in
      let span = unsafe RawSpan(_unsafeBytes: bytes)
      guard var form = SubmittedForm(span, slots: slots) else {
        return ReadForm(.faults([], notice: "fault", FormChoices(), place: "/card"), [:])
      }
      let found = read(&form, visit, kept, at: now)
      return ReadForm(found, form.plain)
    }
  }

  private func read(
    _ form: inout SubmittedForm, _ visit: Visit, _ kept: [ShownCard], at now: Milliseconds
  ) -> Read {
    guard let token = form.plain["form"], Identifiers.isAddress(token),
      !visit.attempts.contains(where: { $0.form == token })
    else { return .nothing }
    var choices = FormChoices()
    choices.keep = form.plain["keep"] == "yes"
    choices.card = form.plain["card"]
    choices.scheme = choices.card.flatMap { form.plain["scheme-\($0)"] } ?? form.plain["scheme"]
    if let last = visit.last, last.step == .code, visit.isOwner, let card = last.card {
      switch CardRules.code(&form, of: card.brand, slots: slots) {
      case .success(let code): return .means(.confirmed(last), consume code, token)
      case .failure(let fault): return .faults([fault], notice: nil, choices, place: "/code")
      }
    }
    guard visit.payment.mayBegin(at: now), visit.payment.methods.contains(.card) else {
      return .nothing
    }
    let hasNumber = form.number != nil
    if let id = choices.card, !hasNumber {
      guard let chosen = kept.first(where: { $0.id == id }) else {
        return .faults(
          [FieldFault(.card, "kept_none")], notice: nil, choices, place: "")
      }
      return known(&form, chosen.token, chosen.card, isKept: true, choices, token, "", now)
    }
    if !hasNumber, mayTryAgain(visit), let last = visit.last, let known = last.token,
      let card = last.card
    {
      return self.known(
        &form, known, card, isKept: last.isKeptCard, choices, token, "/code", now)
    }
    guard hasNumber else {
      let faults = [FieldFault(.card, "kept_none")]
      return kept.isEmpty
        ? .faults([FieldFault(.number, "number_empty")], notice: nil, choices, place: "/card")
        : .faults(faults, notice: nil, choices, place: "")
    }
    let rules = CardRules(
      table: brands(), asksName: visit.merchant.settings.inputs.contains("cardholder_name"),
      unixSeconds: now / 1_000)
    switch rules.check(&form, slots: slots) {
    case .faults(let faults): return .faults(faults, notice: nil, choices, place: "/card")
    case .card(let card): return new(consume card, visit, choices, token, now)
    }
  }

  /// A new card, unless too many have been tried.
  private func new(
    _ card: consuming TypedCard, _ visit: Visit, _ choices: FormChoices, _ token: String,
    _ now: Milliseconds
  ) -> Read {
    let guess: Guesses.Guess
    switch guesses.admit(card.number, at: now) {
    case .admitted(let admitted): guess = admitted
    case .refused(let bound):
      engine.figures.count { bound == .card ? ($0.refusedByCard += 1) : ($0.refusedByBIN += 1) }
      return .faults([], notice: "many", choices, place: "/card")
    }
    let customer = choices.keep && visit.mayKeep ? visit.payment.customer : nil
    let body = VaultRequest.tokenize(card, customer: customer ?? visit.payment.id)
    let scheme = card.scheme?.name
    let name = card.name
    return .means(.new(body, scheme: scheme, name: name, guess), card.takeCode(), token)
  }

  /// A card whose token is known.
  private func known(
    _ form: inout SubmittedForm, _ vaultToken: String, _ card: CardView, isKept: Bool,
    _ choices: FormChoices, _ token: String, _ place: String, _ now: Milliseconds
  ) -> Read {
    var card = card
    if let scheme = choices.scheme, card.brands.contains(scheme) { card.scheme = scheme }
    switch CardRules.code(&form, of: card.brand, slots: slots) {
    case .failure(let fault): return .faults([fault], notice: nil, choices, place: place)
    case .success(let code):
      guard case .admitted(let guess) = guesses.admit(token: vaultToken, at: now) else {
        engine.figures.count { $0.refusedByCard += 1 }
        return .faults([], notice: "many", choices, place: place)
      }
      return .means(.token(vaultToken, card, isKept: isKept, guess), consume code, token)
    }
  }

  /// Notes the attempt and lets it run; waits a little for what comes of it.
  private func start(
    _ means: Means, _ code: consuming SecretSlot, _ form: String,
    browser: [String: InputValue], keeps: Bool, _ visit: Visit
  ) async throws -> Response {
    let now = engine.now()
    if case .confirmed(let attempt) = means {
      guard let id = attempt.id else { return redirect(to: "", visit) }
      engine.codes.keep(consume code, of: id, at: now)
      engine.run(id) { engine in
        guard let attempt = try await engine.store.read({ try $0.attempt(id) }),
          attempt.step == .code
        else { return }
        try await engine.authorize(attempt)
      }
      await engine.waiters.wait(for: id, milliseconds: PaymentEngine.patience)
      return redirect(to: "#outcome", visit)
    }
    var attempt = Attempt(payment: visit.payment.id, form: form, method: .card, startedAt: now)
    attempt.browser = browser
    attempt.owner = visit.browser
    let guess: Guesses.Guess
    switch means {
    case .token(let token, let card, let isKept, let counted):
      attempt.token = token
      attempt.card = card
      attempt.isKeptCard = isKept
      attempt.step = .tokenized
      attempt.hasMadeToken = visit.attempts.contains { $0.token == token && $0.hasMadeToken }
      guess = counted
    case .new(_, _, let name, let counted):
      if let name { attempt.browser["cardholder_name"] = .text(name) }
      if keeps, visit.mayKeep {
        attempt.consent = Consent(language: visit.language.rawValue, at: now)
      }
      guess = counted
    case .confirmed: return redirect(to: "", visit)
    }
    guard let noted = try await begin(attempt, guess), let id = noted.id else {
      return redirect(to: "", visit)
    }
    engine.codes.keep(consume code, of: id, at: now)
    engine.run(id) { engine in
      switch means {
      case .new(let body, let scheme, _, _):
        try await engine.tokenize(noted, body, chosen: scheme, guess)
      default: try await engine.payAgain(noted)
      }
    }
    await engine.waiters.wait(for: id, milliseconds: PaymentEngine.patience)
    return redirect(to: "#outcome", visit)
  }

  /// Notes an attempt; where none begins, its card was not tried.
  private func begin(_ attempt: Attempt, _ guess: Guesses.Guess) async throws -> Attempt? {
    do {
      if case .attempt(let noted) = try await engine.begin(attempt) { return noted }
      guesses.giveBack(guess)
      return nil
    } catch {
      guesses.giveBack(guess)
      throw error
    }
  }

  /// What 3-D Secure may know of the browser.
  private func browser(
    of request: Request, _ plain: [String: String], _ address: String
  ) -> [String: InputValue] {
    var values: [String: InputValue] = [
      "browser_address": .text(address), "browser_java": .boolean(false),
      "browser_script": .boolean(plain["b_js"] == "1"),
    ]
    func text(_ name: String, _ value: String?, atMost longest: Int) {
      // What the vault would refuse is left out.
      guard let value, !value.isEmpty, value.utf8.count <= longest,
        value.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }),
        (try? CardNumberGuard(table: brands()).check(value, at: name)) != nil
      else { return }
      values[name] = .text(value)
    }
    func integer(_ name: String, _ key: String, _ range: ClosedRange<Int64>) {
      guard let number = plain[key].flatMap({ Int64($0) }), range.contains(number) else { return }
      values[name] = .integer(number)
    }
    text("browser_accept", request.headers[.accept], atMost: 2_048)
    text("browser_user_agent", request.headers[.userAgent], atMost: 2_048)
    let language =
      plain["b_lang"]
      ?? request.headers[.acceptLanguage]?.split(separator: ",").first
      .map { String($0.prefix { $0 != ";" }) }
    text("browser_language", language, atMost: 35)
    integer("browser_time_zone", "b_tz", -1_440...1_440)
    integer("browser_width", "b_width", 0...999_999)
    integer("browser_height", "b_height", 0...999_999)
    integer("browser_depth", "b_depth", 1...48)
    return values
  }

  /// A form that was read, once: what it asks for, which cannot be copied and is taken, and its members that
  /// are no secret.
  private final class ReadForm {
    private var read: Read?
    let plain: [String: String]

    init(_ read: consuming Read, _ plain: [String: String]) {
      self.read = .some(consume read)
      self.plain = plain
    }

    func take() -> Read { read.take() ?? .nothing }
  }
}
