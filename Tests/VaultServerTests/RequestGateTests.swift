import AccessPolicy
import Cards
import Testing
import Tokenization
import VaultCore

@testable import VaultServer

@Suite("The gate, in the order of the contract")
struct RequestGateTests {
  private let key = Array("key".utf8)

  private func gate(
    _ identity: ClientIdentity = .client(actor: shopURI, .merchant(makeShop())),
    isSealed: Bool = false, isStopping: Bool = false
  ) -> RequestGate {
    RequestGate(
      identity: identity, policy: makePolicy(), isSealed: isSealed, isStopping: isStopping,
      bodyLimit: 4096)
  }

  private func admit(
    _ gate: RequestGate, _ head: RequestHead, quota: QuotaLedger.Decision = .granted
  ) -> RequestGate.Verdict {
    gate.admit(head) { _, _, _ in quota }
  }

  private func refusal(_ verdict: RequestGate.Verdict) -> ProblemName? {
    guard case .refused(let refusal) = verdict else { return nil }
    return refusal.problem.name
  }

  private func push(
    key: RequestHead.IdempotencyKey, type: RequestHead.MediaType = .json,
    length: Int? = 10
  ) -> RequestHead {
    RequestHead(
      method: .post, route: .detokenize(Token(testToken)), bodyLength: length, mediaType: type,
      idempotencyKey: key)
  }

  private let acquirer = ClientIdentity.client(actor: acquirerURI, .acquirer(testAcquirer))

  @Test func `each check is told only when those before it have passed`() {
    // Everything is wrong with this request; one thing after the other is put right.
    var head = RequestHead(method: .other, route: .unknown)
    let forbidden = ClientIdentity.client(
      actor: shopURI, .merchant(makeShop(operations: [.tokenize])))
    let exceeded = QuotaLedger.Decision.exceeded(retryAfterSeconds: 7)
    #expect(
      refusal(admit(gate(.unknown, isSealed: true), head, quota: exceeded)) == .unknownClient)
    #expect(
      refusal(admit(gate(forbidden, isSealed: true, isStopping: true), head, quota: exceeded))
        == .shuttingDown)
    #expect(refusal(admit(gate(forbidden, isSealed: true), head, quota: exceeded)) == .sealed)
    #expect(refusal(admit(gate(forbidden), head, quota: exceeded)) == .noSuchResource)
    head.route = .detokenize(nil)
    #expect(refusal(admit(gate(forbidden), head, quota: exceeded)) == .methodNotAllowed)
    head.method = .post
    #expect(refusal(admit(gate(forbidden), head, quota: exceeded)) == .quotaExceeded)
    #expect(refusal(admit(gate(forbidden), head)) == .operationNotPermitted)
    #expect(refusal(admit(gate(), head)) == .idempotencyKeyRequired)
    head.idempotencyKey = .malformed
    #expect(refusal(admit(gate(), head)) == .malformedRequest)
    head.idempotencyKey = .key(key)
    #expect(refusal(admit(gate(), head)) == .unsupportedMediaType)
    head.mediaType = .json
    #expect(refusal(admit(gate(), head)) == .lengthRequired)
    head.bodyLength = 4097
    #expect(refusal(admit(gate(), head)) == .bodyTooLarge)
    head.bodyLength = 4096
    head.isCoded = true
    #expect(refusal(admit(gate(), head)) == .unsupportedMediaType)
    head.isCoded = false
    #expect(admit(gate(), head) == .admitted(.push(nil, key: key)))
    head.bodyLength = nil
    head.isChunked = true
    #expect(admit(gate(), head) == .admitted(.push(nil, key: key)))
  }

  @Test func `who asks decides what detokenize is`() {
    let token = Token(testToken)
    #expect(admit(gate(), push(key: .key(key))) == .admitted(.push(token, key: key)))
    #expect(admit(gate(acquirer), push(key: .key(key))) == .admitted(.pull(token)))
    #expect(admit(gate(acquirer), push(key: .malformed)) == .admitted(.pull(token)))
    #expect(admit(gate(acquirer), push(key: .absent)) == .admitted(.pull(token)))
  }

  @Test func `an acquirer may do nothing but pull`() {
    let tokenize = RequestHead(
      method: .post, route: .tokens, bodyLength: 1, mediaType: .json)
    let delete = RequestHead(method: .delete, route: .token(nil))
    #expect(refusal(admit(gate(acquirer), tokenize)) == .operationNotPermitted)
    #expect(refusal(admit(gate(acquirer), delete)) == .operationNotPermitted)
  }

  @Test func `tokenize takes an idempotency key and needs none`() {
    var head = RequestHead(
      method: .post, route: .tokens, bodyLength: 1, mediaType: .json)
    #expect(admit(gate(), head) == .admitted(.tokenize(key: nil)))
    head.idempotencyKey = .key(key)
    #expect(admit(gate(), head) == .admitted(.tokenize(key: key)))
    head.idempotencyKey = .malformed
    #expect(refusal(admit(gate(), head)) == .malformedRequest)
  }

  @Test func `delete has no body, and no use for a media type or key`() {
    var head = RequestHead(
      method: .delete, route: .token(nil), mediaType: .other, idempotencyKey: .malformed)
    #expect(admit(gate(), head) == .admitted(.delete(nil)))
    head.bodyLength = 0
    #expect(admit(gate(), head) == .admitted(.delete(nil)))
    head.bodyLength = 1
    #expect(refusal(admit(gate(), head)) == .malformedRequest)
    head.bodyLength = nil
    head.isChunked = true
    #expect(refusal(admit(gate(), head)) == .malformedRequest)
  }

  @Test func `refusals of an operation are audited, those before it are not`() {
    func isAudited(_ verdict: RequestGate.Verdict) -> Bool? {
      guard case .refused(let refusal) = verdict else { return nil }
      return refusal.isAudited
    }
    let head = push(key: .absent)
    #expect(isAudited(admit(gate(.unknown), head)) == false)
    #expect(isAudited(admit(gate(isSealed: true), head)) == false)
    #expect(isAudited(admit(gate(isStopping: true), head)) == false)
    #expect(isAudited(admit(gate(), RequestHead(method: .post, route: .unknown))) == false)
    #expect(isAudited(admit(gate(), head, quota: .exceeded(retryAfterSeconds: 1))) == true)
    #expect(isAudited(admit(gate(), head)) == true)
    #expect(isAudited(admit(gate(), push(key: .key(key), type: .other))) == true)
    #expect(isAudited(admit(gate(), push(key: .key(key), length: nil))) == true)
  }

  @Test func `a quota is asked for the operation and tells when to come back`() {
    var asked: [Operation] = []
    let verdict = gate().admit(push(key: .key(key))) { operation, principal, actor in
      asked.append(operation)
      #expect(principal.name == "shop" && actor == shopURI)
      return .exceeded(retryAfterSeconds: 7)
    }
    #expect(asked == [.detokenize])
    guard case .refused(let refusal) = verdict else {
      Issue.record("admitted")
      return
    }
    #expect(refusal.problem.retryAfterSeconds == 7)
  }
}
