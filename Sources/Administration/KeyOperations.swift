internal import Glibc
internal import JSON
package import RecordFormat

/// What changes keys, as a running service does it.
package struct KeyHooks: Sendable {
  /// How far background work on keys is.
  package struct Work: Equatable, Sendable {
    package var done: UInt64
    package var total: UInt64
    package var damaged: UInt64
    package var isRunning: Bool
    package var failure: String?

    /// Describes background work.
    package init(
      done: UInt64, total: UInt64, damaged: UInt64, isRunning: Bool, failure: String?
    ) {
      self.done = done
      self.total = total
      self.damaged = damaged
      self.isRunning = isRunning
      self.failure = failure
    }
  }

  /// One key in the place of another.
  package struct Rotation: Equatable, Sendable {
    package var new: KeyIdentifier
    package var old: KeyIdentifier
    package var checkValue: String

    /// Describes a rotation.
    package init(new: KeyIdentifier, old: KeyIdentifier, checkValue: String) {
      self.new = new
      self.old = old
      self.checkValue = checkValue
    }
  }

  /// Rotates a key, for the actor.
  package var rotate: @Sendable (KeyRole, KeyIdentifier?, String) throws -> Rotation
  /// Begins to move cards at most so fast, for the actor.
  package var reencrypt: @Sendable (UInt64, String) throws -> Void
  /// Stops moving cards, for the actor.
  package var stopReencryption: @Sendable (String) throws -> Void
  /// How far background work is.
  package var work: @Sendable () -> Work
  /// Cards under another key than the active one.
  package var cardsToMove: @Sendable () throws -> UInt64

  /// Hooks of a service.
  package init(
    rotate: @escaping @Sendable (KeyRole, KeyIdentifier?, String) throws -> Rotation,
    reencrypt: @escaping @Sendable (UInt64, String) throws -> Void,
    stopReencryption: @escaping @Sendable (String) throws -> Void,
    work: @escaping @Sendable () -> Work, cardsToMove: @escaping @Sendable () throws -> UInt64
  ) {
    self.rotate = rotate
    self.reencrypt = reencrypt
    self.stopReencryption = stopReencryption
    self.work = work
    self.cardsToMove = cardsToMove
  }
}

extension Operations {
  /// Microseconds between two looks at background work.
  private static let lookMicroseconds: UInt32 = 100_000

  func keyHooks() throws -> KeyHooks {
    guard let keys = hooks.keys else {
      throw AdministrationError.unavailable("keys are changed by a running service only")
    }
    return keys
  }

  /// Rotates a key; of a fingerprint key it waits until every card has its new fingerprint.
  func rotateKey(
    _ role: KeyRole, to key: KeyIdentifier?, actor: String, into sink: Sink
  ) throws -> [UInt8] {
    let keys = try keyHooks()
    let rotation = try keys.rotate(role, key, actor)
    if role == .fingerprint { try follow(keys, into: sink) }
    var json = JSONWriter()
    json.beginObject()
    json.member("role", string: role.name)
    json.member("new", string: rotation.new.text)
    json.member("old", string: rotation.old.text)
    json.member("check_value", string: rotation.checkValue)
    json.endObject()
    return json.bytes
  }

  /// Moves every card to the active data key. It goes on when nobody watches it any more.
  func reencrypt(
    cardsPerSecond: UInt64, actor: String, into sink: Sink
  ) throws -> [UInt8] {
    let keys = try keyHooks()
    try keys.reencrypt(cardsPerSecond, actor)
    try follow(keys, into: sink)
    return try reencryptionDocument()
  }

  func reencryptionDocument() throws -> [UInt8] {
    let keys = try keyHooks()
    let work = keys.work()
    var json = JSONWriter()
    json.beginObject()
    json.member("moved", integer: work.done)
    json.member("left", integer: try keys.cardsToMove())
    json.member("damaged", integer: work.damaged)
    json.endObject()
    return json.bytes
  }

  private func follow(_ keys: KeyHooks, into sink: Sink) throws {
    while true {
      let work = keys.work()
      try sink(.progress(done: work.done, total: max(work.total, work.done)))
      if let failure = work.failure {
        throw AdministrationError.unavailable(
          "the work ended early (\(failure)); it goes on at the next start or rotation")
      }
      guard work.isRunning else { return }
      usleep(Self.lookMicroseconds)
    }
  }
}
