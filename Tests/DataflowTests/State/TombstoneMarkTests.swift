// What counts as the mark of a deletion: only a field of the object itself, of valid JSON, that is true.
import Dataflow
import Testing

@Suite struct TombstoneMarkTests {
    @Test(arguments: [
        (#"{"_deleted":true,"id":1}"#, true), (#" { "id" : 1 , "_deleted" : true } "#, true),
        (#"{"id":[{"a":"\u00e9"}],"_deleted":true}"#, true), (#"{"_deleted":false,"_deleted":true}"#, true),
        (#"{"_deleted":false,"id":1}"#, false), (#"{"_deleted":"true"}"#, false), (#"{"_deleted":1}"#, false),
        (#"{"_deleted":null}"#, false), (#"{"_deleted":[true]}"#, false), (#"{"a":{"_deleted":true}}"#, false),
        (#"{"a":"\"_deleted\":true"}"#, false), (#"["_deleted",true]"#, false), (#"{"_deleted":true"#, false),
        (#"{"_deleted":true} x"#, false), (#"{"_deleted":true,"id":tru}"#, false), (#"{"id":1}"#, false), ("", false),
    ])
    func isSet(_ line: String, _ expected: Bool) {
        #expect(Array(line.utf8).withUnsafeBytes { TombstoneMark.isSet(in: $0) } == expected, "\(line)")
    }
}
