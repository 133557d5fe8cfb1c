import Bytes
import Cards
import Cryptography
import Testing

@testable import CardStore

@Suite struct OverlayTests {
  private let fingerprint = Digest256.sha256(Array("one".utf8).rawSpan)
  private let other = Digest256.sha256(Array("two".utf8).rawSpan)

  private func token(_ number: UInt64) -> Token {
    Token(UUIDv7(milliseconds: number, counter: 0, random: 0))
  }

  /// The token that the overlay names; nil for an entry that is to go, and for none at all.
  private func named(_ overlay: Overlay, _ fingerprint: Digest256) -> Token? {
    overlay.entry(for: fingerprint) ?? nil
  }

  @Test func `an entry of the batch under way is found at once`() {
    var overlay = Overlay(capacity: 4)
    overlay.insert(fingerprint, token(1))
    #expect(named(overlay, fingerprint) == token(1))
    #expect(overlay.entry(for: other) == nil)
  }

  @Test func `an aborted batch leaves what was before it`() {
    var overlay = Overlay(capacity: 4)
    overlay.insert(fingerprint, token(1))
    overlay.batchDidCommit()
    overlay.insert(fingerprint, token(2))
    overlay.insert(other, token(3))
    overlay.insert(fingerprint, nil)
    overlay.batchDidAbort()
    #expect(named(overlay, fingerprint) == token(1))
    #expect(overlay.entry(for: other) == nil)
  }

  @Test func `the newest entry counts, through a flush too`() {
    var overlay = Overlay(capacity: 4)
    overlay.insert(fingerprint, token(1))
    overlay.batchDidCommit()
    let generation = overlay.beginFlush(upTo: token(1))
    #expect(generation.entries == [fingerprint: token(1)])
    #expect(named(overlay, fingerprint) == token(1))
    overlay.insert(fingerprint, token(2))
    overlay.batchDidCommit()
    #expect(named(overlay, fingerprint) == token(2))
    overlay.endFlush()
    #expect(named(overlay, fingerprint) == token(2))
    #expect(overlay.waiting == 1)
  }

  @Test func `a flush that failed gives its entries back, less those that are older`() {
    var overlay = Overlay(capacity: 4)
    overlay.insert(fingerprint, token(1))
    overlay.insert(other, token(2))
    overlay.batchDidCommit()
    _ = overlay.beginFlush(upTo: token(2))
    overlay.insert(fingerprint, token(3))
    overlay.batchDidCommit()
    overlay.cancelFlush()
    #expect(named(overlay, fingerprint) == token(3))
    #expect(named(overlay, other) == token(2))
    #expect(overlay.waiting == 2)
  }

  @Test func `an entry that is to go hides the one of the file`() {
    var overlay = Overlay(capacity: 4)
    overlay.insert(fingerprint, nil)
    #expect(overlay.entry(for: fingerprint) == .some(nil))
    overlay.batchDidCommit()
    #expect(overlay.entry(for: fingerprint) == .some(nil))
    _ = overlay.beginFlush(upTo: token(1))
    #expect(overlay.entry(for: fingerprint) == .some(nil))
    overlay.cancelFlush()
    #expect(overlay.entry(for: fingerprint) == .some(nil))
  }
}
