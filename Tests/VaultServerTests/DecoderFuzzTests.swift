import Cards
import SecretMemory
import Testing
import Tokenization
import VaultCore

@testable import VaultServer

@Suite("Bodies that somebody has tampered with")
struct DecoderFuzzTests {
  private let pool: SecretPool

  init() throws { pool = try SecretPool(slots: 4, slotSize: 32) }

  private static let seeds = [
    #"{"number":"4970105181818183","exp_month":12,"exp_year":2028,"preferred_brand":"cb"}"#,
    #"{"number":"4970 1051 8181 8183","exp_month":1,"exp_year":2030,"customer":"c-1042"}"#,
    #"{"token":"\#(testToken)","exp_month":1,"exp_year":2030,"preferred_brand":"cb"}"#,
    #"{"acquirer":"a","amount":{"value":4990,"currency":"EUR"},"reference":"r","cvc":"123"}"#,
    #"{"acquirer":"a","three_ds":{"version":"2.2.0","trans_status":"Y","eci":"05"}}"#,
    #"{"acquirer":"a","stored_credential":{"use":"recurring","sequence":"first"}}"#,
  ]

  private static let pieces = [
    "\"", "\\", "{", "}", "[", "]", ",", ":", "null", "\\u0034", "\u{0}", "e9", "-", "é", "\"\"",
    "{\"cvc\":\"1\"}",
  ].map { Array($0.utf8) }

  @Test func `no body stops a decoder or keeps a slot`() {
    var generator = SystemRandomNumberGenerator()
    let tokenize = TokenizeDecoder(brands: .standard, pool: pool)
    let push = PushDecoder(brands: .standard, pool: pool)
    for round in 0..<6_000 {
      var body = Array(Self.seeds[round % Self.seeds.count].utf8)
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let place = Int.random(in: 0..<body.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: body.remove(at: place)
        case 1: body[place] = UInt8.random(in: 0...255, using: &generator)
        default:
          body.insert(
            contentsOf: Self.pieces.randomElement(using: &generator) ?? [], at: place)
        }
        if body.isEmpty { body = [0x7B] }
      }
      body.withSpan { span in
        _ = try? tokenize.decode(span, key: [1], at: testTime)
        _ = try? push.decode(span, token: nil, key: [1]).payment
        try? decodePull(span)
      }
      #expect(pool.slotsInUse == 0)
    }
  }
}
