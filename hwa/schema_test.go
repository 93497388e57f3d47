package hwa

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// wireTypes pairs every wire type with its schemas; more than one where a struct covers several.
func wireTypes() map[reflect.Type][]string {
	return map[reflect.Type][]string{
		reflect.TypeFor[JobInPlan]():                {"JobInPlanV2"},
		reflect.TypeFor[JobRun]():                   {"JobRunInstanceV2"},
		reflect.TypeFor[JobCompositeStatus]():       {"JobInPlanCompositeStatusV2"},
		reflect.TypeFor[JobDefinitionFlags]():       {"JobInPlanDefinitionFlags"},
		reflect.TypeFor[JobStatusFlags]():           {"JobInPlanStatusFlags"},
		reflect.TypeFor[JobOptions]():               {"JobInPlanOptions"},
		reflect.TypeFor[JobDefinitionInPlan]():      {"JobDefinitionInPlanV2"},
		reflect.TypeFor[TimeInfo]():                 {"TimeInfoV2"},
		reflect.TypeFor[TimeRestrictions]():         {"TimeRestrictionsInPlanV2"},
		reflect.TypeFor[DependenciesStats]():        {"DependenciesStatsV2"},
		reflect.TypeFor[OutputCondition]():          {"OutputConditionInPlanV2"},
		reflect.TypeFor[PropertyValue]():            {"PropertyValueV2"},
		reflect.TypeFor[Action]():                   {"ActionV2"},
		reflect.TypeFor[JobStreamInPlan]():          {"JobStreamInPlanV2"},
		reflect.TypeFor[JobStreamCompositeStatus](): {"JobStreamInPlanCompositeStatusV2"},
		reflect.TypeFor[JobStreamDefinitionFlags](): {"JobStreamInPlanDefinitionFlags"},
		reflect.TypeFor[JobStreamStatusFlags]():     {"JobStreamInPlanStatusFlags"},
		reflect.TypeFor[JobStreamOptions]():         {"JobStreamInPlanOptions"},
		reflect.TypeFor[JobStreamStats]():           {"JobStreamStatsV2"},
		reflect.TypeFor[ApprovalInfo]():             {"ApprovalInfo"},
		reflect.TypeFor[WorkstationInPlan]():        {"WorkstationInPlanV2"},
		reflect.TypeFor[ResourceInPlan]():           {"ResourceInPlanV2"},
		reflect.TypeFor[ResourceHolder]():           {"ResourceHolderInPlan"},
		reflect.TypeFor[PromptInPlan]():             {"PromptInPlanV2"},
		reflect.TypeFor[FileInPlan]():               {"FileInPlanV2"},
		reflect.TypeFor[Dependency](): {"InternalDependencyInPlanV2", "ExternalJobDependencyInPlanV2", "ExternalJobStreamDependencyInPlanV2",
			"JoinDependencyInPlanV2", "FileDependencyInPlanV2", "ResourceDependencyInPlanV2", "InternetworkDependencyInPlanV2", "PromptDependencyInPlanV2"},
		reflect.TypeFor[EngineInfo]():             {"EngineInfoV2"},
		reflect.TypeFor[AdminRoles]():             {"AdminRolesV2"},
		reflect.TypeFor[RolePrivilege]():          {"RolePrivilegeV2"},
		reflect.TypeFor[ObjectInfo]():             {"ObjectInfo"},
		reflect.TypeFor[ObjectInfoMetadata]():     {"ObjectInfoMetadata"},
		reflect.TypeFor[ActionMetadata]():         {"ActionMetadataV2"},
		reflect.TypeFor[ConfigValue]():            {"ConfigValue"},
		reflect.TypeFor[ConsumedJobs]():           {"ConsumedJobs"},
		reflect.TypeFor[Count]():                  {"Count"},
		reflect.TypeFor[ObjectFolderCount]():      {"ObjectFolderCountV2"},
		reflect.TypeFor[GroupedCountResponse]():   {"GroupedCountResponse"},
		reflect.TypeFor[Issue]():                  {"Issue"},
		reflect.TypeFor[IssuesResponse]():         {"IssuesResponseV2"},
		reflect.TypeFor[ResourceResponse]():       {"ResourceResponseV2"},
		reflect.TypeFor[ActionResourceResponse](): {"ActionResourceResponseV2"},
		reflect.TypeFor[FilterActionResponse]():   {"FilterActionResponseV2"},
		reflect.TypeFor[LockData]():               {"LockDataV2"},
		reflect.TypeFor[ModifyData]():             {"ModifyDataV2"},
		reflect.TypeFor[RerunDetails]():           {"RerunDetailsV2"},
		reflect.TypeFor[SuccessorsInfo]():         {"SuccessorsInfo"},
		reflect.TypeFor[DependenciesInfo]():       {"DependenciesInfoV2"},
		reflect.TypeFor[Conditions]():             {"ConditionsV2"},
		reflect.TypeFor[PromptInPlanAnswer]():     {"PromptInPlanAnswer"},
		reflect.TypeFor[WorkstationConnectInfo](): {"WorkstationConnectInfoV2"},
		reflect.TypeFor[ComponentCommandInfo]():   {"ComponentCommandInfoV2"},
		reflect.TypeFor[JobCommand]():             {"JobCommandV2"},
		reflect.TypeFor[SubmitJobOptions]():       {"SubmitJobOptionsV2"},
		reflect.TypeFor[SubmitJobStreamOptions](): {"SubmitJobStreamOptionsV2"},
		reflect.TypeFor[SubmitAdHocJobOptions]():  {"SubmitAdHocJobOptionsV2"},
		reflect.TypeFor[ModelObject]():            {"ModelObjectJobStream"},
		reflect.TypeFor[ModelStatus]():            {"Status1"},
		reflect.TypeFor[ModelHeader]():            {"CommonModelHeaderV2"},
		reflect.TypeFor[Suggestion]():             {"ModelObjectBasicInfo"},
		reflect.TypeFor[Page[JobInPlan]]():        {"PaginatedResponseV216"},
		reflect.TypeFor[List[ResourceResponse]](): {"ListResponseV22"},
	}
}

// TestWireTypesAgreeWithSchemas checks, in both directions, that the wire types have exactly the properties of the vendor's
// schemas, with types that fit.
func TestWireTypesAgreeWithSchemas(t *testing.T) {
	s := loadSpec(t)
	for typ, names := range wireTypes() {
		t.Run(typ.Name(), func(t *testing.T) {
			props := map[string][]*schema{}
			for _, name := range names {
				if s.Components.Schemas[name] == nil {
					t.Fatalf("no schema %s", name)
				}
				for k, p := range s.Components.Schemas[name].Properties {
					props[k] = append(props[k], p)
				}
			}
			for _, f := range jsonFields(typ) {
				tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				if len(props[tag]) == 0 {
					t.Errorf("%s: the schema has no property %q", f.Name, tag)
					continue
				}
				for _, p := range props[tag] {
					if want, ok := fits(s, f.Type, p); !ok {
						t.Errorf("%s %s: the schema says %s", f.Name, f.Type, want)
					}
				}
				delete(props, tag)
			}
			for k := range props {
				t.Errorf("the type has no field for the property %q", k)
			}
		})
	}
}

// jsonFields lists the fields of a struct, those of embedded structs included.
func jsonFields(typ reflect.Type) []reflect.StructField {
	var out []reflect.StructField
	for i := range typ.NumField() {
		if f := typ.Field(i); f.Anonymous {
			out = append(out, jsonFields(f.Type)...)
		} else if f.IsExported() {
			out = append(out, f)
		}
	}
	return out
}

// fits reports whether a Go type can hold what the schema describes, and describes the schema for the message.
func fits(s *spec, typ reflect.Type, p *schema) (string, bool) {
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	r := s.resolve(p)
	name := p.name()
	switch {
	case name == "Duration":
		return name, typ == reflect.TypeFor[Duration]()
	case r.Format == "date-time":
		return "date-time", typ == reflect.TypeFor[time.Time]()
	case name != "" && len(r.Enum) > 0:
		return name, typ.Kind() == reflect.String && strings.HasSuffix(typ.PkgPath(), "/hwa")
	case r.Type == "string":
		return "string", typ.Kind() == reflect.String
	case r.Type == "boolean":
		return "boolean", typ.Kind() == reflect.Bool
	case r.Type == "integer" && r.Format == "int64":
		return "int64", typ.Kind() == reflect.Int64
	case r.Type == "integer":
		return "integer", typ.Kind() == reflect.Int
	case typ == reflect.TypeFor[json.RawMessage]():
		return "object", r.Type == "object" || len(r.OneOf) > 0
	case r.Type == "array":
		if typ.Kind() != reflect.Slice {
			return "array", false
		}
		want, ok := fits(s, typ.Elem(), r.Items)
		return "array of " + want, ok
	case typ.Kind() == reflect.Map:
		return "object", r.Type == "object"
	}
	names := wireTypes()[typ]
	if name == "FlowNodeDependencyInPlanV2" || name == "DependencyInPlanV2" {
		return name, typ == reflect.TypeFor[Dependency]()
	}
	if typ == reflect.TypeFor[CompositeStatus]() {
		return name, strings.HasSuffix(name, "CompositeStatusV2")
	}
	if typ == reflect.TypeFor[ModifyData]() {
		return name, strings.HasPrefix(name, "ModifyDataV2")
	}
	return name, slices.Contains(names, name)
}

// TestCompositeStatusCoversBoth keeps the struct for either kind of predecessor in step with the two exact ones.
func TestCompositeStatusCoversBoth(t *testing.T) {
	tags := func(typ reflect.Type) (out []string) {
		for _, f := range jsonFields(typ) {
			out = append(out, f.Tag.Get("json"))
		}
		slices.Sort(out)
		return out
	}
	got := tags(reflect.TypeFor[CompositeStatus]())
	for _, typ := range []reflect.Type{reflect.TypeFor[JobCompositeStatus](), reflect.TypeFor[JobStreamCompositeStatus]()} {
		if diff := cmp.Diff(tags(typ), got); diff != "" {
			t.Errorf("%s: %s", typ, diff)
		}
	}
}

// enumSchemas maps the enumeration types to their names in the vendor's specification.
func enumSchemas() map[string]string {
	return map[string]string{
		"CommonStatus": "CommonStatusV2", "JobStatus": "JobInPlanStatus", "JobSubStatus": "JobInPlanSubStatus",
		"JobStreamStatus": "JobStreamInPlanStatus", "JobStreamSubStatus": "JobStreamInPlanSubStatus", "FlowNodeType": "FlowNodeType",
		"DependencyType": "DependencyType", "DependencyStatus": "Status", "JoinCriteria": "JoinCriteria", "ConditionStatus": "ConditionStatus",
		"ResourceActionOnComplete": "ResourceActionOnComplete", "PromptStatus": "PromptStatus", "PromptType": "PromptType",
		"FileStatus": "FileStatusType", "ResourceStatus": "ResourceInPlanStatus", "RerunType": "RerunType",
		"RecoveryOption": "RecoveryOptionV2", "LateAction": "LateAction", "LateStartAction": "LateStartAction",
		"MaxDurationAction": "MaxDurationActionV2", "MinDurationAction": "MinDurationActionV2", "SkipLateAction": "SkipLateAction",
		"WorkstationType": "WorkstationType", "WorkstationState": "WorkstationStateEnum", "WorkstationFlag": "WorkstationFlagEnum",
		"HostWorkstationType": "HostWorkstationType", "OperatingSystem": "OperatingSystemV2", "SecurityLevel": "SecurityLevel",
		"PropertyType": "PropertyType", "WorkloadBrokerAffinityType": "WorkloadBrokerAffinityType", "LicenseType": "LicenseType",
		"UserPermission": "UserPermission", "ModelKind": "ModelObjectKind", "ObjectType": "ActionObjectType", "HTTPMethod": "HttpMethod",
		"StatsPeriod": "StatsPeriod", "Integrity": "Integrity", "Scope": "ScopeType",
	}
}

// TestEnumsAgreeWithSpec compares the constants of the enums files, read from the source, with the vendor's enumerations.
func TestEnumsAgreeWithSpec(t *testing.T) {
	data, err := os.ReadFile(dataFile(t, "hwa/enums.json", "the check of 38 enumerations"))
	if err != nil {
		t.Fatal(err)
	}
	var want map[string][]string
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	got := constants(t, "enums.go")
	maps.Copy(got, constants(t, "enums_object.go"))
	for typ, name := range enumSchemas() {
		if diff := cmp.Diff(want[name], got[typ]); diff != "" {
			t.Errorf("%s against %s (-spec +ours):\n%s", typ, name, diff)
		}
		delete(got, typ)
	}
	for typ := range got {
		t.Errorf("%s is not compared with the specification", typ)
	}
}

func constants(t *testing.T, file string) map[string][]string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			typ := v.Type.(*ast.Ident).Name
			out[typ] = append(out[typ], text)
		}
	}
	return out
}

// TestTimeKeys keeps the list of time fields, which the lenient decoder works by, complete.
func TestTimeKeys(t *testing.T) {
	want := map[string]bool{}
	for typ := range wireTypes() {
		for _, f := range jsonFields(typ) {
			if f.Type == reflect.TypeFor[time.Time]() {
				tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				want[tag] = true
			}
		}
	}
	if diff := cmp.Diff(want, timeKeys); diff != "" {
		t.Errorf("timeKeys (-types +list):\n%s", diff)
	}
}
