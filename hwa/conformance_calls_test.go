package hwa

import (
	"context"
	"encoding/json"
	"iter"

	"resync/hwa/oql"
)

// call is one method of the client and how the test calls it.
type call struct {
	method string
	run    func(context.Context, *Client) error
}

// drop makes a call of a method with two results.
func drop[T any](method string, f func(context.Context, *Client) (T, error)) call {
	return call{method, func(ctx context.Context, c *Client) error { _, err := f(ctx, c); return err }}
}

func drain[T any](method string, f func(context.Context, *Client) iter.Seq2[*T, error]) call {
	return drop(method, func(ctx context.Context, c *Client) ([]*T, error) { return Collect(f(ctx, c)) })
}

type rr = ResourceResponse
type far = *FilterActionResponse

// byID and byFilter cover the many actions of the same shape.
func byIDCall(method string, f func(*Client, context.Context, string, Justification) (rr, error)) call {
	return drop(method, func(ctx context.Context, c *Client) (rr, error) { return f(c, ctx, anID, why) })
}

// bare is byIDCall without a justification: the plain by-id form of actions that take none.
func bare(method string, f func(*Client, context.Context, string, Justification) (rr, error)) call {
	return drop(method, func(ctx context.Context, c *Client) (rr, error) { return f(c, ctx, anID, Justification{}) })
}

func filterCall(method string, f func(*Client, context.Context, Filter, int, Justification) (far, error)) call {
	return drop(method, func(ctx context.Context, c *Client) (far, error) { return f(c, ctx, WithID(anID), 3, why) })
}

var oneDep = []Dependency{{DependencyType: DependencyTypeInternal, ID: anotrID, JobID: anotrID}}

// calls pairs every implemented operation with a call that must result in it.
func calls() map[string]call {
	m := map[string]call{}
	for k, v := range readCalls() {
		m[k] = v
	}
	for k, v := range jobCalls() {
		m[k] = v
	}
	for k, v := range streamCalls() {
		m[k] = v
	}
	for k, v := range objectCalls() {
		m[k] = v
	}
	for k, v := range modelCalls() {
		m[k] = v
	}
	return m
}

func readCalls() map[string]call {
	some := ListOptions{Filter: Where(oql.Eq("name", "PAY_NET")), PlanID: "current"}
	return map[string]call{
		"getEngineConfiguration":      drop("EngineConfiguration", func(x context.Context, c *Client) (map[string]ConfigValue, error) { return c.EngineConfiguration(x) }),
		"putEngineConfiguration":      drop("SetEngineSetting", func(x context.Context, c *Client) (*ConfigValue, error) { return c.SetEngineSetting(x, "k", "v") }),
		"getEngineConfigurationByKey": drop("EngineSetting", func(x context.Context, c *Client) (*ConfigValue, error) { return c.EngineSetting(x, "k") }),
		"getEngineGroups":             drop("EngineGroups", func(x context.Context, c *Client) ([]string, error) { return c.EngineGroups(x) }),
		"getEngineUsers":              drop("EngineUsers", func(x context.Context, c *Client) ([]string, error) { return c.EngineUsers(x) }),
		"getEngineInfo":               drop("EngineInfo", func(x context.Context, c *Client) (*EngineInfo, error) { return c.EngineInfo(x) }),
		"getEngineReadPermission":     drop("ReadPermission", func(x context.Context, c *Client) (map[string]string, error) { return c.ReadPermission(x) }),
		"getObjectsInfo": drop("ObjectsInfo", func(x context.Context, c *Client) (map[string]ObjectInfo, error) {
			return c.ObjectsInfo(x, ObjectTypeJobInPlan)
		}),
		"getPlanConsumedJobsRuns": drop("ConsumedJobs", func(x context.Context, c *Client) ([]ConsumedJobs, error) { return c.ConsumedJobs(x, StatsPeriodDay) }),
		"getPlanFolderObjectsCount": drop("FolderCounts", func(x context.Context, c *Client) ([]ObjectFolderCount, error) {
			return c.FolderCounts(x, ObjectTypeJobInPlan, oql.Where(oql.Eq("parent", "/")))
		}),
		"listPlanJob":       drain("Jobs", func(x context.Context, c *Client) iter.Seq2[*JobInPlan, error] { return c.Jobs(x, some) }),
		"listPlanJobStream": drain("JobStreams", func(x context.Context, c *Client) iter.Seq2[*JobStreamInPlan, error] { return c.JobStreams(x, some) }),
		"listPlanWorkstation": drain("Workstations", func(x context.Context, c *Client) iter.Seq2[*WorkstationInPlan, error] {
			return c.Workstations(x, some)
		}),
		"listPlanResource": drain("Resources", func(x context.Context, c *Client) iter.Seq2[*ResourceInPlan, error] { return c.Resources(x, some) }),
		"getPlanJobById":   drop("Job", func(x context.Context, c *Client) (*JobInPlan, error) { return c.Job(x, anID) }),
		"getPlanJobStreamById": drop("JobStream", func(x context.Context, c *Client) (*JobStreamInPlan, error) {
			return c.JobStream(x, anID)
		}),
		"getPlanWorkstationById": drop("Workstation", func(x context.Context, c *Client) (*WorkstationInPlan, error) { return c.Workstation(x, anID) }),
		"getPlanResourceById":    drop("Resource", func(x context.Context, c *Client) (*ResourceInPlan, error) { return c.Resource(x, anID) }),
		"getPlanJobCount": drop("JobCount", func(x context.Context, c *Client) (*GroupedCountResponse, error) {
			return c.JobCount(x, CountOptions{GroupBy: []string{"status", "folder"}})
		}),
		"getPlanJobStreamCount": drop("JobStreamCount", func(x context.Context, c *Client) (*GroupedCountResponse, error) {
			return c.JobStreamCount(x, CountOptions{})
		}),
		"getPlanJobIssues": drop("JobIssues", func(x context.Context, c *Client) ([]Issue, error) {
			return c.JobIssues(x, ListOptions{Filter: WithID(anID)})
		}),
		"getPlanJobJoblog": drop("JobLogOf", func(x context.Context, c *Client) (*LogText, error) {
			return c.JobLogOf(x, WithID(anID), LogWindow{})
		}),
		"getPlanJobJoblogByRunId":          drop("JobLog", func(x context.Context, c *Client) (*LogText, error) { return c.JobLog(x, anID, LogWindow{}) }),
		"getPlanJobPredecessorsById":       drop("JobPredecessors", func(x context.Context, c *Client) ([]FlowNode, error) { return c.JobPredecessors(x, anID, 2) }),
		"getPlanJobSuccessorsById":         drop("JobSuccessors", func(x context.Context, c *Client) ([]FlowNode, error) { return c.JobSuccessors(x, anID, 0) }),
		"getPlanJobStreamPredecessorsById": drop("JobStreamPredecessors", func(x context.Context, c *Client) ([]FlowNode, error) { return c.JobStreamPredecessors(x, anID, 1) }),
		"getPlanJobStreamSuccessorsById":   drop("JobStreamSuccessors", func(x context.Context, c *Client) ([]FlowNode, error) { return c.JobStreamSuccessors(x, anID, 1) }),
		"getPlanJobModelDescriptionById": drop("JobDefinitionText", func(x context.Context, c *Client) (map[string]json.RawMessage, error) {
			return c.JobDefinitionText(x, anID)
		}),
		"getPlanJobStreamModelDescriptionById": drop("JobStreamDefinitionText", func(x context.Context, c *Client) (map[string]json.RawMessage, error) {
			return c.JobStreamDefinitionText(x, anID)
		}),
	}
}

func jobCalls() map[string]call {
	type (
		cl = *Client
		cx = context.Context
		ju = Justification
	)
	return map[string]call{
		"holdPlanJobById":            byIDCall("HoldJob", cl.HoldJob),
		"holdPlanJobByFilter":        filterCall("HoldJobs", cl.HoldJobs),
		"releasePlanJobById":         byIDCall("ReleaseJob", cl.ReleaseJob),
		"releasePlanJobByFilter":     filterCall("ReleaseJobs", cl.ReleaseJobs),
		"cancelPlanJobById":          byIDCall("CancelJob", cl.CancelJob),
		"cancelPlanJobByFilter":      filterCall("CancelJobs", cl.CancelJobs),
		"cancelPendingPlanJobById":   byIDCall("CancelPendingJob", cl.CancelPendingJob),
		"killPlanJobById":            byIDCall("KillJob", cl.KillJob),
		"killPlanJobByFilter":        filterCall("KillJobs", cl.KillJobs),
		"confirmSuccPlanJobById":     byIDCall("ConfirmJobSucc", func(c cl, x cx, id string, j ju) (rr, error) { return c.ConfirmJobSucc(x, id, j, "OK") }),
		"confirmSuccPlanJobByFilter": filterCall("ConfirmJobsSucc", func(c cl, x cx, f Filter, n int, j ju) (far, error) { return c.ConfirmJobsSucc(x, f, n, j) }),
		"confirmAbendPlanJobById":    byIDCall("ConfirmJobAbend", func(c cl, x cx, id string, j ju) (rr, error) { return c.ConfirmJobAbend(x, id, j) }),
		"confirmAbendPlanJobByFilter": filterCall("ConfirmJobsAbend", func(c cl, x cx, f Filter, n int, j ju) (far, error) {
			return c.ConfirmJobsAbend(x, f, n, j)
		}),
		"cancelPendingPlanJobByFilter":          filterCall("CancelPendingJobs", cl.CancelPendingJobs),
		"releaseAllDependenciesPlanJobById":     byIDCall("ReleaseAllJobDependencies", cl.ReleaseAllJobDependencies),
		"releaseAllDependenciesPlanJobByFilter": filterCall("ReleaseAllJobsDependencies", cl.ReleaseAllJobsDependencies),
		"addDependenciesPlanJobById":            byIDCall("AddJobDependencies", func(c cl, x cx, id string, j ju) (rr, error) { return c.AddJobDependencies(x, id, oneDep, j) }),
		"addDependenciesPlanJobByFilter": filterCall("AddJobsDependencies", func(c cl, x cx, f Filter, n int, j ju) (far, error) {
			return c.AddJobsDependencies(x, f, n, oneDep, j)
		}),
		"removeDependenciesPlanJobById": byIDCall("RemoveJobDependencies", func(c cl, x cx, id string, j ju) (rr, error) { return c.RemoveJobDependencies(x, id, oneDep, j) }),
		"removeDependenciesPlanJobByFilter": filterCall("RemoveJobsDependencies", func(c cl, x cx, f Filter, n int, j ju) (far, error) {
			return c.RemoveJobsDependencies(x, f, n, oneDep, j)
		}),
		"releaseDependenciesPlanJobById": byIDCall("ReleaseJobDependencies", func(c cl, x cx, id string, j ju) (rr, error) { return c.ReleaseJobDependencies(x, id, oneDep, j) }),
		"releaseDependenciesPlanJobByFilter": filterCall("ReleaseJobsDependencies", func(c cl, x cx, f Filter, n int, j ju) (far, error) {
			return c.ReleaseJobsDependencies(x, f, n, oneDep, j)
		}),
		"rerunPlanJobByRunId": byIDCall("RerunJob", func(c cl, x cx, id string, j ju) (rr, error) {
			return c.RerunJob(x, id, RerunDetails{StepName: "A"}, j)
		}),
		"rerunPlanJobByFilter": filterCall("RerunJobs", func(c cl, x cx, f Filter, n int, j ju) (far, error) { return c.RerunJobs(x, f, n, RerunDetails{}, j) }),
		"updatePriorityPlanJobById": bare("UpdateJobPriority", func(c cl, x cx, id string, j ju) (rr, error) {
			return c.UpdateJobPriority(x, id, 50, j)
		}),
		"patchPlanJobById": byIDCall("PatchJob", func(c cl, x cx, id string, j ju) (rr, error) {
			return c.PatchJob(x, id, json.RawMessage(`{"priority":5}`), j)
		}),
		"patchPlanJobByFilter": filterCall("PatchJobs", func(c cl, x cx, f Filter, n int, j ju) (far, error) {
			return c.PatchJobs(x, f, n, json.RawMessage(`{"priority":5}`), j)
		}),
		"patchPlanJobModelById": drop("PatchJobDefinition", func(x cx, c cl) (map[string]json.RawMessage, error) {
			return c.PatchJobDefinition(x, anID, json.RawMessage(`{"name":"x"}`))
		}),
		"runCommandPlanJobByRunId": {"RunJobCommand", func(x cx, c cl) error { return c.RunJobCommand(x, anID, JobCommand{Command: "a"}, why) }},
		"runCommandJsonPlanJobByRunId": drop("RunJobCommandJSON", func(x cx, c cl) (json.RawMessage, error) {
			return c.RunJobCommandJSON(x, anID, JobCommand{Command: "a"}, why)
		}),
		"submitPlanJobByModelId": byIDCall("SubmitJob", func(c cl, x cx, id string, j ju) (rr, error) {
			return c.SubmitJob(x, id, SubmitJobOptions{SubmitOptions: SubmitOptions{Alias: "A", Priority: new(0)}}, j)
		}),
		"submitPlanJobByFilter": filterCall("SubmitJobs", func(c cl, x cx, f Filter, n int, j ju) (far, error) {
			return c.SubmitJobs(x, f, n, SubmitJobOptions{}, j)
		}),
		"submitPlanJobAdHocJob": drop("SubmitAdHocJob", func(x cx, c cl) (rr, error) {
			return c.SubmitAdHocJob(x, SubmitAdHocJobOptions{Task: json.RawMessage(`{"UNIX":{}}`)}, why)
		}),
	}
}

func streamCalls() map[string]call {
	type (
		cl = *Client
		cx = context.Context
		ju = Justification
	)
	patch := json.RawMessage(`{"limit":3}`)
	return map[string]call{
		"holdPlanJobStreamById":                       byIDCall("HoldJobStream", cl.HoldJobStream),
		"holdPlanJobStreamByFilter":                   filterCall("HoldJobStreams", cl.HoldJobStreams),
		"releasePlanJobStreamById":                    byIDCall("ReleaseJobStream", cl.ReleaseJobStream),
		"releasePlanJobStreamByFilter":                filterCall("ReleaseJobStreams", cl.ReleaseJobStreams),
		"cancelPlanJobStreamById":                     byIDCall("CancelJobStream", cl.CancelJobStream),
		"cancelPlanJobStreamByFilter":                 filterCall("CancelJobStreams", cl.CancelJobStreams),
		"cancelPendingPlanJobStreamById":              byIDCall("CancelPendingJobStream", cl.CancelPendingJobStream),
		"cancelPendingPlanJobStreamByFilter":          filterCall("CancelPendingJobStreams", cl.CancelPendingJobStreams),
		"releaseAllDependenciesPlanJobStreamById":     byIDCall("ReleaseAllJobStreamDependencies", cl.ReleaseAllJobStreamDependencies),
		"releaseAllDependenciesPlanJobStreamByFilter": filterCall("ReleaseAllJobStreamsDependencies", cl.ReleaseAllJobStreamsDependencies),
		"addDependenciesPlanJobStreamById": byIDCall("AddJobStreamDependencies", func(c cl, x cx, id string, j ju) (rr, error) {
			return c.AddJobStreamDependencies(x, id, oneDep, j)
		}),
		"addDependenciesPlanJobStreamByFilter": filterCall("AddJobStreamsDependencies", func(c cl, x cx, f Filter, n int, j ju) (far, error) {
			return c.AddJobStreamsDependencies(x, f, n, oneDep, j)
		}),
		"removeDependenciesPlanJobStreamById": byIDCall("RemoveJobStreamDependencies", func(c cl, x cx, id string, j ju) (rr, error) {
			return c.RemoveJobStreamDependencies(x, id, oneDep, j)
		}),
		"removeDependenciesPlanJobStreamByFilter": filterCall("RemoveJobStreamsDependencies", func(c cl, x cx, f Filter, n int, j ju) (far, error) {
			return c.RemoveJobStreamsDependencies(x, f, n, oneDep, j)
		}),
		"releaseDependenciesPlanJobStreamById": byIDCall("ReleaseJobStreamDependencies", func(c cl, x cx, id string, j ju) (rr, error) {
			return c.ReleaseJobStreamDependencies(x, id, oneDep, j)
		}),
		"releaseDependenciesPlanJobStreamByFilter": filterCall("ReleaseJobStreamsDependencies", func(c cl, x cx, f Filter, n int, j ju) (far, error) {
			return c.ReleaseJobStreamsDependencies(x, f, n, oneDep, j)
		}),
		"patchPlanJobStreamById":           byIDCall("PatchJobStream", func(c cl, x cx, id string, j ju) (rr, error) { return c.PatchJobStream(x, id, patch, j) }),
		"patchPlanJobStreamNoValidateById": byIDCall("PatchJobStreamNoValidate", func(c cl, x cx, id string, j ju) (rr, error) { return c.PatchJobStreamNoValidate(x, id, patch, j) }),
		"patchPlanJobStreamByFilter":       filterCall("PatchJobStreams", func(c cl, x cx, f Filter, n int, j ju) (far, error) { return c.PatchJobStreams(x, f, n, patch, j) }),
		"rerunPlanJobStreamSuccessorsById": drop("RerunJobStreamSuccessors", func(x cx, c cl) (far, error) { return c.RerunJobStreamSuccessors(x, anID, 1) }),
		"submitPlanJobStreamByModelId": drop("SubmitJobStream", func(x cx, c cl) ([]rr, error) {
			return c.SubmitJobStream(x, anID, SubmitJobStreamOptions{Limit: new(-1)}, why)
		}),
		"submitPlanJobStreamByFilter": filterCall("SubmitJobStreams", func(c cl, x cx, f Filter, n int, j ju) (far, error) {
			return c.SubmitJobStreams(x, f, n, SubmitJobStreamOptions{}, j)
		}),
	}
}

func objectCalls() map[string]call {
	type (
		cl = *Client
		cx = context.Context
		ju = Justification
	)
	patch := json.RawMessage(`{"limit":3}`)
	info := WorkstationConnectInfo{Connection: "a"}
	key := func(method string, f func(cl, cx, string, ju) (rr, error)) call {
		return drop(method, func(x cx, c cl) (rr, error) { return f(c, x, "/MDM", why) })
	}
	m := map[string]call{
		"linkPlanWorkstationById":                     bare("LinkWorkstation", cl.LinkWorkstation),
		"linkPlanWorkstationByFilter":                 filterCall("LinkWorkstations", cl.LinkWorkstations),
		"unlinkPlanWorkstationById":                   bare("UnlinkWorkstation", cl.UnlinkWorkstation),
		"unlinkPlanWorkstationByFilter":               filterCall("UnlinkWorkstations", cl.UnlinkWorkstations),
		"startPlanWorkstationById":                    bare("StartWorkstation", cl.StartWorkstation),
		"startPlanWorkstationByFilter":                filterCall("StartWorkstations", cl.StartWorkstations),
		"stopPlanWorkstationById":                     bare("StopWorkstation", cl.StopWorkstation),
		"stopPlanWorkstationByFilter":                 filterCall("StopWorkstations", cl.StopWorkstations),
		"startEventMonitoringPlanWorkstationById":     bare("StartEventMonitoring", cl.StartEventMonitoring),
		"startEventMonitoringPlanWorkstationByFilter": filterCall("StartEventMonitoringAll", cl.StartEventMonitoringAll),
		"stopEventMonitoringPlanWorkstationById":      bare("StopEventMonitoring", cl.StopEventMonitoring),
		"stopEventMonitoringPlanWorkstationByFilter":  filterCall("StopEventMonitoringAll", cl.StopEventMonitoringAll),
		"upgradePlanWorkstationById":                  bare("UpgradeWorkstation", cl.UpgradeWorkstation),
		"upgradePlanWorkstationByFilter":              filterCall("UpgradeWorkstations", cl.UpgradeWorkstations),
		"connectToHostCpuPlanWorkstationById":         bare("ConnectToHostCPU", func(c cl, x cx, id string, j ju) (rr, error) { return c.ConnectToHostCPU(x, id, info, j) }),
		"connectToHostCpuPlanWorkstationByFilter":     filterCall("ConnectToHostCPUAll", func(c cl, x cx, f Filter, n int, j ju) (far, error) { return c.ConnectToHostCPUAll(x, f, n, info, j) }),
		"setOnlinePlanWorkstationById":                drop("SetWorkstationOnline", func(x cx, c cl) (rr, error) { return c.SetWorkstationOnline(x, anID) }),
		"setOfflinePlanWorkstationById":               drop("SetWorkstationOffline", func(x cx, c cl) (rr, error) { return c.SetWorkstationOffline(x, anID) }),
		"updateLimitPlanWorkstationById":              bare("UpdateWorkstationLimit", func(c cl, x cx, id string, j ju) (rr, error) { return c.UpdateWorkstationLimit(x, id, 0, j) }),
		"updateLimitPlanWorkstationByFilter":          filterCall("UpdateWorkstationLimits", func(c cl, x cx, f Filter, n int, j ju) (far, error) { return c.UpdateWorkstationLimits(x, f, n, 0, j) }),
		"updateFencePlanWorkstationById":              bare("UpdateWorkstationFence", func(c cl, x cx, id string, j ju) (rr, error) { return c.UpdateWorkstationFence(x, id, 0, j) }),
		"updateFencePlanWorkstationByFilter":          filterCall("UpdateWorkstationFences", func(c cl, x cx, f Filter, n int, j ju) (far, error) { return c.UpdateWorkstationFences(x, f, n, 5, j) }),
		"startEventProcessorPlanWorkstationByKey":     key("StartEventProcessor", cl.StartEventProcessor),
		"stopEventProcessorPlanWorkstationByKey":      key("StopEventProcessor", cl.StopEventProcessor),
		"switchEventProcessorPlanWorkstationByKey":    key("SwitchEventProcessor", cl.SwitchEventProcessor),
		"becomeMdmPlanWorkstationByKey":               key("BecomeMDM", cl.BecomeMDM),
		"patchPlanWorkstationById":                    byIDCall("PatchWorkstation", func(c cl, x cx, id string, j ju) (rr, error) { return c.PatchWorkstation(x, id, patch, j) }),
		"patchPlanWorkstationByFilter":                filterCall("PatchWorkstations", func(c cl, x cx, f Filter, n int, j ju) (far, error) { return c.PatchWorkstations(x, f, n, patch, j) }),
		"updatePlanWorkstationCollectAgentLogs":       drop("CollectAgentLogs", func(x cx, c cl) (rr, error) { return c.CollectAgentLogs(x, ComponentCommandInfo{WorkstationName: "A"}) }),
		"healthStatusPlanWorkstationById":             drop("WorkstationHealth", func(x cx, c cl) (rr, error) { return c.WorkstationHealth(x, anID) }),
		"monitoringConfigurationPlanWorkstationById":  drop("WorkstationMonitoringConfiguration", func(x cx, c cl) (rr, error) { return c.WorkstationMonitoringConfiguration(x, anID) }),
		"healthStatusPlanWorkstationByFilter":         drop("WorkstationsHealth", func(x cx, c cl) (far, error) { return c.WorkstationsHealth(x, WithID(anID), 1) }),
		"monitoringConfigurationPlanWorkstationByFilter": drop("WorkstationsMonitoringConfiguration", func(x cx, c cl) (far, error) {
			return c.WorkstationsMonitoringConfiguration(x, WithID(anID), 1)
		}),
		"updateQuantityPlanResourceById":     bare("UpdateResourceQuantity", func(c cl, x cx, id string, j ju) (rr, error) { return c.UpdateResourceQuantity(x, id, 3, j) }),
		"updateQuantityPlanResourceByFilter": filterCall("UpdateResourceQuantities", func(c cl, x cx, f Filter, n int, j ju) (far, error) { return c.UpdateResourceQuantities(x, f, n, 3, j) }),
		"patchPlanResourceById": byIDCall("PatchResource", func(c cl, x cx, id string, j ju) (rr, error) {
			return c.PatchResource(x, id, json.RawMessage(`{"quantity":3}`), j)
		}),
		"patchPlanResourceByFilter": filterCall("PatchResources", func(c cl, x cx, f Filter, n int, j ju) (far, error) {
			return c.PatchResources(x, f, n, json.RawMessage(`{"quantity":3}`), j)
		}),
		"replyPlanPromptById": bare("ReplyPrompt", func(c cl, x cx, id string, j ju) (rr, error) { return c.ReplyPrompt(x, id, true, j) }),
	}
	return m
}

func modelCalls() map[string]call {
	m := map[string]call{
		"postModelCommonConvert": drop("ConvertDefinitions", func(x context.Context, c *Client) (string, error) {
			return c.ConvertDefinitions(x, "JOBS", FormatComposer, FormatJSON)
		}),
		"postModelCommonConvertOne": drop("ConvertDefinition", func(x context.Context, c *Client) (string, error) {
			return c.ConvertDefinition(x, "a: 1", FormatYAML, FormatComposer)
		}),
		"getModelCommonAutocomplete": drop("CompleteKey", func(x context.Context, c *Client) ([]Suggestion, error) {
			return c.CompleteKey(x, "JobDefinition", "PAY", CompleteOptions{Exact: true, Limit: 5})
		}),
		"getModelCommonOutputConditions": drop("OutputConditions", func(x context.Context, c *Client) ([]string, error) { return c.OutputConditions(x, anID) }),
		"listModelService":               drain("Services", func(x context.Context, c *Client) iter.Seq2[*ModelObject, error] { return c.Services(x, ListOptions{}) }),
		"getModelServiceById":            drop("Service", func(x context.Context, c *Client) (*ModelObject, error) { return c.Service(x, anID) }),
		"getModelServiceTags":            drop("ServiceTags", func(x context.Context, c *Client) ([]string, error) { return c.ServiceTags(x) }),
	}
	for id, kind := range map[string]ModelPath{"Calendar": ModelCalendar, "Credentials": ModelCredentials, "Domain": ModelDomain, "Folder": ModelFolder,
		"JobDefinition": ModelJobDefinition, "JobStream": ModelJobStream, "Prompt": ModelPrompt, "Resource": ModelResource, "RunCycleGroup": ModelRunCycleGroup,
		"Variable": ModelVariable, "VariableTable": ModelVariableTable, "WorkloadApplicationTemplate": ModelTemplate, "Workstation": ModelWorkstation,
		"WorkstationClass": ModelWorkstationClass} {
		m["listModel"+id] = drain("Definitions", func(x context.Context, c *Client) iter.Seq2[*ModelObject, error] {
			return c.Definitions(x, kind, ListOptions{Filter: Where(oql.Like("name", "A@"))})
		})
		m["getModel"+id+"ById"] = drop("Definition", func(x context.Context, c *Client) (*ModelObject, error) { return c.Definition(x, kind, anID) })
	}
	return m
}
