import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// Every pair of identity and operation.
  @Suite(.stage) struct IdentityTests {
    /// What is asked for; the path and the body are the same whoever asks.
    enum Asked: String, CaseIterable, Sendable {
      case tokenize, push, pull, delete

      func request(token: String) -> WireRequest {
        switch self {
        case .tokenize: .tokenize(TestCard.mastercard)
        case .push: .push(token, amount: 4990, key: "identity")
        case .pull: .pull(token)
        case .delete: .delete(token)
        }
      }
    }

    /// What comes back: a status, and the problem's name where it is one.
    struct Expected: Sendable {
      let status: Int
      var problem: String?
      var pointer: String?
    }

    private static let unknown = Expected(status: 403, problem: "unknown-client")
    private static let forbidden = Expected(status: 403, problem: "operation-not-permitted")
    private static let notFound = Expected(status: 404, problem: "token-not-found")
    private static let noKey = Expected(status: 400, problem: "idempotency-key-required")

    /// The token is one of `shop`'s. Delete comes last, since it is the one that leaves a mark.
    static let table: [(who: String, asked: Asked, expected: Expected)] = [
      ("shop", .tokenize, Expected(status: 201)),
      ("shop", .push, Expected(status: 200)),
      ("shop", .pull, noKey),
      ("other-shop", .tokenize, Expected(status: 201)),
      ("other-shop", .push, Expected(status: 403, problem: "acquirer-not-permitted")),
      ("other-shop", .pull, noKey),
      ("other-shop", .delete, notFound),
      ("acquirer", .tokenize, forbidden),
      ("acquirer", .push, Expected(status: 422, problem: "unknown-member")),
      ("acquirer", .pull, Expected(status: 200)),
      ("acquirer", .delete, forbidden),
      ("impostor", .tokenize, unknown), ("impostor", .push, unknown),
      ("impostor", .pull, unknown), ("impostor", .delete, unknown),
      ("nobody", .tokenize, unknown), ("nobody", .push, unknown),
      ("nobody", .pull, unknown), ("nobody", .delete, unknown),
      ("shop", .delete, Expected(status: 204)),
    ]

    @Test func everyIdentityMayDoWhatThePolicySaysAndNothingElse() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      for (who, asked, expected) in Self.table {
        let answer = try await stage.ask(asked.request(token: token), as: who)
        let said = Comment("\(who), \(asked): \(answer.status) \(answer.body)")
        #expect(answer.status == expected.status && answer.problem == expected.problem, said)
        if let problem = expected.problem {
          expect(answer, expected.status, problem, pointer: expected.pointer)
        } else {
          expect(answer, expected.status)
        }
        #expect(
          answer.body.contains(TestCard.visa) == (who == "acquirer" && asked == .pull),
          "only a pull holds the number")
      }
    }

    @Test(arguments: ["stranger", "revoked"], Asked.allCases)
    func aCertificateThatIsNotTrustedGetsNoAnswerAtAll(who: String, asked: Asked) async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.amex)
      do {
        let wire = try await stage.connect(who)
        try await wire.send(asked.request(token: token).text)
        #expect(try await wire.untilClosed().isEmpty)
      } catch let failure as Stage.Failed {
        throw failure
      } catch let failure as Wire.Failed {
        throw failure
      } catch {
        // Refused before the request could be sent: as good.
      }
      expect(try await stage.ask(.pull(token), as: "acquirer"), 200)
    }

    @Test func aPullAnswersTheCardAndNothingElse() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.maestro)
      let answer = try await stage.ask(.pull(token), as: "acquirer")
      expect(answer, 200)
      #expect(
        answer.body == """
          {"number":"6759649826438453","exp_month":12,"exp_year":2035,"preferred_brand":null}
          """)
    }

    @Test func aTokenOfAMerchantWithoutThisAcquirerIsNotFoundByAPull() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa, as: "other-shop")
      expect(try await stage.ask(.pull(token), as: "acquirer"), 404, "token-not-found")
    }

    @Test func malformedUnknownAndForeignTokensLookTheSame() async throws {
      let stage = try Stage.current
      let foreign = try await stage.token(of: "5555555555554444", as: "other-shop")
      let unknown = "tok_01kax3zv5ye8bvkp2mszn9fqxw"
      for token in [foreign, unknown, "tok_x", "4970105181818183", "%20"] {
        let push = try await stage.ask(.push(token, amount: 4990, key: "t-\(token.count)"))
        expect(push, 404, "token-not-found")
        let deletion = try await stage.ask(.delete(token))
        expect(deletion, 404, "token-not-found")
        #expect(deletion.body == push.body)
        expect(try await stage.ask(.pull(token), as: "acquirer"), 404, "token-not-found")
      }
    }

    @Test func twoMerchantsNeverShareATokenForOneCard() async throws {
      let stage = try Stage.current
      let one = try await stage.token(of: "4012888888881881", as: "shop")
      let two = try await stage.token(of: "4012888888881881", as: "other-shop")
      #expect(one != two)
    }
  }
}
