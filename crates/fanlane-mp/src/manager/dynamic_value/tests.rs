use proptest::prelude::*;
use serde::de::DeserializeOwned;

use super::*;

fn there_and_back<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: T) {
    let sent = to_value(&value).expect("it can be sent");
    assert_eq!(from_value::<T>(sent.clone()).expect("it can be read"), value, "{sent:?}");
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i32,
    y: Option<f32>,
    label: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Nothing,
    Circle(f64),
    Line(i8, i8),
    Box { w: u64, h: u64 },
}

/// Miri takes its time for each of them.
const FAR_TOO_MANY: usize = if cfg!(miri) { 1_000 } else { 1_000_000 };

#[test]
fn types_of_rust_come_back_as_they_were() {
    there_and_back(());
    there_and_back(true);
    there_and_back((i64::MIN, u64::MAX, -1_i8, 'ä', 0.5_f32));
    there_and_back(vec![Some(1_u16), None]);
    there_and_back(BTreeMap::from([(1_u8, "one".to_owned()), (2, String::new())]));
    there_and_back(Point { x: -3, y: Some(0.25), label: "p".into() });
    there_and_back(Point { x: 0, y: None, label: String::new() });
    there_and_back(vec![Shape::Nothing, Shape::Circle(1.5), Shape::Line(-1, 1), Shape::Box { w: 1, h: u64::MAX }]);
    there_and_back(serde_bytes::ByteBuf::from(vec![0, 255]));
    there_and_back((Reference(7), vec![Reference(u64::MAX)]));
    there_and_back(i128::MAX);
}

#[test]
fn what_does_not_fit_is_said() {
    let fault = |result: Result<i8, DynamicValueError>| result.expect_err("it does not fit").to_string();
    assert!(fault(from_value(DynamicValue::Int(300))).contains("300"));
    assert!(fault(from_value(DynamicValue::from("x"))).contains("string \"x\""));
    assert!(from_value::<(u8, u8)>(DynamicValue::List(vec![DynamicValue::Int(1); 3])).is_err());
    assert!(from_value::<Shape>(DynamicValue::from("Triangle")).unwrap_err().to_string().contains("Triangle"));
    assert!(from_value::<Reference>(DynamicValue::Int(1)).is_err(), "a number is no reference");
    assert!(from_value::<u64>(DynamicValue::Reference(Reference(1))).is_err(), "a reference is no number");
    assert!(to_value(&u128::MAX).is_err());
}

#[test]
fn words_of_a_shell_are_json_or_text() {
    let cases = [
        ("12", DynamicValue::Int(12)),
        ("-170141183460469231731687303715884105728", DynamicValue::Int(i128::MIN)),
        ("0.5", DynamicValue::Float(0.5)),
        ("true", DynamicValue::Bool(true)),
        ("null", DynamicValue::Nil),
        ("\"12\"", "12".into()),
        ("[1, \"a\"]", DynamicValue::List(vec![DynamicValue::Int(1), "a".into()])),
        ("{\"a\": 1}", DynamicValue::Map([("a".into(), DynamicValue::Int(1))].into())),
        ("a b", "a b".into()),
        ("", "".into()),
        ("[1", "[1".into()),
    ];
    for (word, value) in cases {
        assert_eq!(DynamicValue::from_word(word), value, "{word}");
    }
}

#[test]
fn json_has_a_form_for_everything_and_is_cut_where_asked() {
    let map = [
        (DynamicValue::Int(1), DynamicValue::Bytes(b"x\xff".to_vec())),
        (DynamicValue::Nil, DynamicValue::Float(f64::NAN)),
    ];
    assert_eq!(DynamicValue::Map(map.into()).to_json(), "{\"null\":null,\"1\":\"x\u{fffd}\"}");
    assert_eq!(DynamicValue::Reference(Reference(3)).to_json(), "\"object 3\"");
    let long = DynamicValue::List(vec!["ää".into(); FAR_TOO_MANY]);
    assert_eq!(long.to_short_json(3), "[\"…");
    assert_eq!(long.to_short_json(4), "[\"ä…");
    assert_eq!(DynamicValue::Int(1).to_short_json(1), "1");
}

#[test]
fn what_lies_too_deep_is_neither_sent_nor_received() {
    let nested = |depth: usize| (0..depth).fold(DynamicValue::Nil, |inner, _| DynamicValue::List(vec![inner]));
    let bytes = postcard::to_stdvec(&nested(MAX_DEPTH)).expect("it is as deep as may be");
    assert_eq!(postcard::from_bytes::<DynamicValue>(&bytes).expect("it can be read"), nested(MAX_DEPTH));
    assert!(postcard::to_stdvec(&nested(MAX_DEPTH + 1)).is_err());
    // One level more in front, as a hostile peer would write it; and far more than any stack holds.
    for levels in [1, FAR_TOO_MANY] {
        let mut hostile = [6, 1].repeat(levels);
        hostile.extend_from_slice(&bytes);
        assert!(postcard::from_bytes::<DynamicValue>(&hostile).is_err());
    }
    assert!(postcard::from_bytes::<DynamicValue>(&bytes).is_ok(), "the count of levels is as before");
}

fn any_datum() -> impl Strategy<Value = DynamicValue> {
    let leaf = prop_oneof![
        Just(DynamicValue::Nil),
        any::<bool>().prop_map(DynamicValue::Bool),
        any::<i128>().prop_map(DynamicValue::Int),
        any::<f64>().prop_map(DynamicValue::Float),
        ".{0,8}".prop_map(DynamicValue::Text),
        prop::collection::vec(any::<u8>(), 0..8).prop_map(DynamicValue::Bytes),
        any::<u64>().prop_map(|number| DynamicValue::Reference(Reference(number))),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(DynamicValue::List),
            prop::collection::btree_map(inner.clone(), inner, 0..5).prop_map(DynamicValue::Map),
        ]
    })
}

proptest! {
    #[test]
    fn every_datum_travels(value in any_datum()) {
        let bytes = postcard::to_stdvec(&value).expect("it can be sent");
        prop_assert_eq!(postcard::from_bytes::<DynamicValue>(&bytes).expect("it can be read"), value);
    }

    #[test]
    fn literals_in_json_are_read_as_they_were_written(text in "[a-z ]{0,9}", number: i64, list: Vec<bool>) {
        let value = to_value(&(text, number, list)).expect("plain");
        prop_assert_eq!(serde_json::from_str::<Literal>(&value.to_json()).expect("JSON").0, value);
    }
}
