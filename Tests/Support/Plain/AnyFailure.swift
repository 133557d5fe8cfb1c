package import Storage

/// What a job of a test ends with, whatever it is.
package enum AnyFailure: StoreFailure {
  case store(StorageError)
  case other(any Error)

  package init(_ error: any Error) {
    self = (error as? StorageError).map { .store($0) } ?? .other(error)
  }

  package var error: any Error {
    switch self {
    case .store(let error): error
    case .other(let error): error
    }
  }
}

extension Store {
  /// As the typed one, for a body whose errors have no type.
  @_disfavoredOverload
  package func write<R>(_ body: (inout StoreWriteTransaction) throws -> R) throws -> R {
    do throws(AnyFailure) {
      return try write { (transaction) throws(AnyFailure) in
        do { return try body(&transaction) } catch { throw AnyFailure(error) }
      }
    } catch { throw error.error }
  }

  /// As the typed one, for a body whose errors have no type.
  @_disfavoredOverload
  package func perform(
    _ body: @escaping (inout StoreWriteTransaction) throws -> Void
  ) throws {
    nonisolated(unsafe) let body = body
    do throws(AnyFailure) {
      try perform { (transaction) throws(AnyFailure) in
        do { try unsafe body(&transaction) } catch { throw AnyFailure(error) }
      }
    } catch { throw error.error }
  }
}

extension StoreReading where Self: ~Copyable {
  /// As the typed one, for a body whose errors have no type.
  @_disfavoredOverload
  package func forEach(
    in table: Table, from start: RawSpan? = nil, reversed: Bool = false,
    _ body: (_ key: RawSpan, _ value: RawSpan) throws -> Bool
  ) throws {
    do throws(AnyFailure) {
      try forEach(in: table, from: start, reversed: reversed) { (key, value) throws(AnyFailure) in
        do { return try body(key, value) } catch { throw AnyFailure(error) }
      }
    } catch { throw error.error }
  }
}
