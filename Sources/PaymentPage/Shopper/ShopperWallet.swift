import Bytes
import HTTPTypes
import Hummingbird
import NIOCore
import PaymentStore
import Payments

// Paying with a wallet: out to it by a link, and back.

extension ShopperRoutes {
  func wallet(_ request: Request, _ context: ShopperContext) async throws -> Response {
    guard isOurs(request), let visit = try await visit(request, context) else {
      return try await redirectOrFault(request, context)
    }
    guard let body = try? await request.body.collect(upTo: context.maxUploadSize) else {
      return redirect(to: "", visit)
    }
    let plain = unsafe body.withUnsafeReadableBytes { bytes in
      SubmittedForm(unsafe RawSpan(_unsafeBytes: bytes), slots: slots)?.plain ?? [:]
    }
    guard let form = plain["form"], Identifiers.isAddress(form),
      let method = plain["method"].flatMap({ Method(rawValue: $0) }), method == .paypal,
      visit.payment.methods.contains(method), visit.payment.mayBegin(at: engine.now())
    else { return redirect(to: "", visit) }
    let address = context.address(of: request, trusting: trustedProxies)
    guard guesses.admit(address: address, at: engine.now()) else {
      engine.figures.count { $0.refusedByAddress += 1 }
      try await engine.change(visit.payment.id) { payment, _, _ in
        if visit.isFirst, payment.state == .open { payment.notice = "often" }
      }
      return redirect(to: "/card", visit)
    }
    var attempt = Attempt(
      payment: visit.payment.id, form: form, method: method, startedAt: engine.now())
    attempt.owner = visit.browser
    guard case .attempt(let noted) = try await engine.begin(attempt), let id = noted.id else {
      return redirect(to: "", visit)
    }
    let language = visit.language
    engine.run(id) { try await $0.beginWallet(noted, language: language) }
    await engine.waiters.wait(for: id, milliseconds: PaymentEngine.patience)
    let now = try await engine.store.read { try $0.attempt(id) }
    return redirect(to: now?.step == .wallet ? "/out" : "#outcome", visit)
  }

  /// Back from the wallet; what the address says beside its own is nobody's word.
  func walletBack(_ request: Request, _ context: ShopperContext) async throws -> Response {
    guard let visit = try await visit(request, context) else {
      throw HTTPError(.notFound)
    }
    if let last = visit.last, last.step == .wallet, let id = last.id {
      engine.run(id) { engine in
        guard let attempt = try await engine.store.read({ try $0.attempt(id) }),
          attempt.step == .wallet
        else { return }
        try await engine.captureWallet(attempt)
      }
      await engine.waiters.wait(for: id, milliseconds: PaymentEngine.patience)
    }
    return redirect(to: "#outcome", visit)
  }

  /// Back without having paid.
  func walletLeft(_ request: Request, _ context: ShopperContext) async throws -> Response {
    guard let visit = try await visit(request, context) else {
      throw HTTPError(.notFound)
    }
    if let last = visit.last, last.step == .wallet {
      try await engine.end(last, .left, from: [.wallet])
    }
    return redirect(to: "#outcome", visit)
  }
}
